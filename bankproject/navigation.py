"""The admin's look and navigation: the bank's name, and its pages in the words of staff."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

from analytics.rights import ASKING_RIGHTS


def unfold_settings(bank_name: str) -> dict[str, Any]:
    """The settings of django-unfold."""
    return {
        "SITE_TITLE": bank_name,
        "SITE_HEADER": bank_name,
        "SITE_SUBHEADER": "staff.time_zone.zone_in_words",
        "SITE_SYMBOL": "account_balance",
        "SITE_URL": None,
        "SITE_FAVICONS": [
            {
                "rel": "icon",
                "type": "image/svg+xml",
                "href": lambda _request: static("bankproject/favicon.svg"),
            }
        ],
        "STYLES": [
            _file(f"bankproject/{name}.css") for name in ("admin", "frame", "lists", "search")
        ],
        "SCRIPTS": [
            _file("staff/time_zone.js"),
            _file("bankproject/keys.js"),
            _file("bankproject/combobox.js"),
            _file("bankproject/keep_form.js"),
            _file("bankproject/console.js"),
        ],
        "DASHBOARD_CALLBACK": "bankproject.console.today.dashboard",
        "SIDEBAR": {"navigation": "bankproject.navigation.sidebar"},
        "ACCOUNT": {
            "navigation": [
                {"title": "Change password", "link": reverse_lazy("admin:password_change")},
                {"title": "Authenticator", "link": reverse_lazy("admin:authenticator")},
                {"title": "Sessions", "link": reverse_lazy("admin:sessions")},
                {"title": "Help", "link": reverse_lazy("help")},
                {"title": "API (Swagger)", "link": reverse_lazy("swagger")},
            ]
        },
    }


def _file(path: str) -> Callable[[HttpRequest], str]:
    return lambda _request: static(path)


@dataclass(frozen=True, slots=True)
class _Page:
    """`icon` is a name of Material Symbols. `right` and `more_rights` are needed to see the page.

    `query` gives the URL of a filtered list. `count` gives the number to show at the link, for a
    user.
    """

    title: str
    icon: str
    view: str
    right: str = ""
    query: Callable[[], str] | None = None
    count: Callable[[Any], str] | None = None
    more_rights: Sequence[str] = ()

    def is_for(self, request: HttpRequest) -> bool:
        user = request.user
        return (not self.right or user.has_perm(self.right)) and user.has_perms(self.more_rights)

    def item(self, request: HttpRequest) -> dict[str, Any]:
        link = reverse(self.view)
        item = {
            "title": self.title,
            "icon": self.icon,
            "link": self.query() if self.query else link,
            "active": self._is_open(request, link),
        }
        if self.count:
            item |= {"is_counted": True, "badge": self.count(request.user)}
        return item

    def _is_open(self, request: HttpRequest, link: str) -> bool:
        if self.view == "admin:index":
            return request.path == link
        if self.view in (_APPROVALS, _TRANSACTIONS) and _is_decision(request):
            return self.view == _APPROVALS
        if not request.path.startswith(link):
            return False
        # Two links lead to the same list: the query shows which one is open.
        is_narrowed = _FAULTS in request.META.get("QUERY_STRING", "")
        return self.view != _TRANSACTIONS or is_narrowed == bool(self.query)


def _list_of(title: str, icon: str, app: str, model: str) -> _Page:
    return _Page(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}")


def _waiting(user: Any) -> str:
    from bankproject.console.counts import approvals_waiting

    return approvals_waiting(user)


def _faults() -> str:
    from bankproject.console.words import faults_of_today

    return faults_of_today()


def _failed_today(_user: Any) -> str:
    from bankproject.console.counts import failed_today

    return failed_today()


def _is_decision(request: HttpRequest) -> bool:
    """Whether the page decides on requests that wait, or lists them."""
    path = request.path.startswith(reverse(_TRANSACTIONS))
    decides = request.path.endswith(("/approve/", "/reject/"))
    lists = request.GET.get("approval") == "waits"
    return path and (decides or lists or request.GET.get("from") == _APPROVALS)


_APPROVALS = "approvals"
_TRANSACTIONS = "admin:transactions_transaction_changelist"
_FAULTS = "failure_code=fault"
_READ = "transactions.view_transaction"

_SECTIONS: dict[str, list[_Page]] = {
    "": [
        _Page("Today", "today", "admin:index"),
        _Page("Statistics", "bar_chart", "statistics", _READ),
        _Page("Analytics", "query_stats", "analytics", more_rights=ASKING_RIGHTS),
    ],
    "Bank": [
        _list_of("Customers", "group", "customers", "customer"),
        _list_of("Accounts", "account_balance_wallet", "accounts", "account"),
        _list_of("Transactions", "swap_horiz", "transactions", "transaction"),
        _Page("Approvals", "order_approve", _APPROVALS, _READ, count=_waiting),
        _list_of("Overdraft limits", "south_east", "accounts", "limitrequest"),
        _Page("Failed", "error", _TRANSACTIONS, _READ, query=_faults, count=_failed_today),
        _list_of("Holds", "pan_tool", "transactions", "hold"),
        _list_of("Notes", "sticky_note_2", "transactions", "note"),
        _list_of("Entries", "menu_book", "transactions", "entry"),
        _list_of("Statements", "description", "statements", "statement"),
        _list_of("Files", "upload_file", "desk", "deskfile"),
        _list_of("Batches", "stacks", "transactions", "batch"),
        _list_of("Archive", "inventory_2", "transactions", "archiverun"),
        _Page("Jobs", "event_repeat", "jobs-page", "jobs.view_jobrun"),
        _list_of("Webhooks", "webhook", "webhooks", "endpoint"),
        _list_of("Deliveries", "outbox", "webhooks", "delivery"),
    ],
    "Clients and tokens": [
        _list_of("API clients", "terminal", "clients", "apiclient"),
        _list_of("Access tokens", "token", "oauth2_provider", "accesstoken"),
    ],
    "Staff": [
        _list_of("Users", "person", "auth", "user"),
        _list_of("Groups", "groups", "auth", "group"),
        _list_of("Second factor", "phonelink_lock", "otp_totp", "totpdevice"),
        _list_of("Logins", "login", "axes", "accesslog"),
        _list_of("Failed logins", "gpp_maybe", "axes", "accessfailurelog"),
    ],
    "Audit": [
        _Page("Audit log", "policy", "audit", "transactions.read_audit"),
        _list_of("Account events", "manage_history", "accounts", "accountevent"),
        _list_of("Customer events", "contact_page", "customers", "customerevent"),
        _list_of("Transaction events", "history", "transactions", "transactionevent"),
        _list_of("Verifications", "verified", "transactions", "verification"),
        _list_of("Seals", "workspace_premium", "seals", "seal"),
    ],
}


def title_of_list(options: Any) -> str:
    """The menu's title of the list of a model, given by its `_meta`; the model's name without
    one.
    """
    view = f"admin:{options.app_label}_{options.model_name}_changelist"
    for page in chain.from_iterable(_SECTIONS.values()):
        if page.view == view and not page.query:
            return page.title
    return str(options.verbose_name_plural).capitalize()


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections with pages that the user may see, in the form of UNFOLD["SIDEBAR"]."""
    sections = []
    for title, pages in _SECTIONS.items():
        items = [page.item(request) for page in pages if page.is_for(request)]
        if items:
            sections.append({"title": title, "separator": bool(title), "items": items})
    return sections
