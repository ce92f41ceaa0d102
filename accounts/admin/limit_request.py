"""Limits that need a second person: the list, and the buttons to decide."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display

from accounts.admin.buttons import blocked_in_words
from accounts.admin.filters import AccountFilter
from accounts.admin.limit_buttons import limits_in_words
from accounts.admin.limit_kinds import kind_of
from accounts.commands import ApproveLimit, LimitDecision, RejectLimit
from accounts.commands.decide_limit import has_changed
from accounts.models import Account, LimitRequest, holders
from accounts.permissions import CanManageAccounts
from accounts.states import LimitRequestStatus
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.commands import process
from core.console.admin import EMPTY, ReadOnlyModelAdmin, badge, link_to
from core.console.admin_filters import DaysById
from core.console.command_form import form_page, show_form
from core.console.forms import DecisionForm, carry
from core.console.request_cache import RequestCache

_LIMIT_REQUEST = RequestCache[LimitRequest | None]()
_COLOURS = {"Pending": "warning", "Approved": "success", "Rejected": "danger"}


@admin.register(LimitRequest)
class LimitRequestAdmin(ReadOnlyModelAdmin):
    when_empty = "No requests yet. A large overdraft limit appears here when somebody requests it."
    list_display = (
        "created_at",
        "of_account",
        "money_overdraft_limit",
        "shown_status",
        "asked_by",
        "reason",
    )
    list_select_related = ("account", "requested_by", "decided_by")
    list_filter = (("status", ChoicesRadioFilter), AccountFilter, ("created_at", DaysById))
    actions_detail = ("approve", "reject")
    fieldsets = (
        (
            "Request",
            {
                "fields": (
                    ("account", "shown_status"),
                    ("money_overdraft_limit", "money_limit_before"),
                    ("requested_by", "created_at"),
                    "reason",
                )
            },
        ),
        ("Decision", {"fields": (("decided_by", "decided_at"), "decision_reason")}),
        ("Record", {"fields": ("id",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = (*holders("account"), "requested_by")
        return super().get_queryset(request).select_related(*related)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> LimitRequest | None:
        """Reads the request once for the page and its buttons."""
        read = super().get_object
        return _LIMIT_REQUEST.get(request, lambda: read(request, object_id, from_field))

    def has_decide_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Checks the right. Only what waits has the buttons; their pages tell what is decided."""
        if not has_right(request.user, CanManageAccounts.right):
            return False
        found = self.get_object(request, object_id)
        return found is not None and (_waits(found) or not _is_page_of_request(request))

    @action(description="Approve", url_path="approve", icon="check", permissions=["view", "decide"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Approve", ApproveLimit)

    @action(description="Reject", url_path="reject", icon="block", permissions=["view", "decide"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Reject", RejectLimit)

    def _decide(
        self, request: HttpRequest, object_id: str, title: str, decision: type[LimitDecision]
    ) -> HttpResponse:
        asked = self.get_object(request, object_id)
        assert asked is not None, "The permission check has found the request."

        def run(values: dict[str, Any]) -> str:
            reason = values["reason"]
            command = decision(account_id=asked.account_id, request_id=asked.pk, reason=reason)
            account = process([command], origin_of(request))[0]
            return f"{title}: {kind_of(asked).decided(account)}."

        form = DecisionForm(request.POST or None)
        form.fields["reason"].required = decision is RejectLimit
        # The command itself refuses what is decided already.
        waits, mark = _waits(asked), _mark(asked.account)
        has_changed = waits and form.shown not in ("", mark)
        carry(form, "foreseen", mark)
        back = reverse("admin:accounts_limitrequest_change", args=(asked.pk,))
        if request.GET.get("from") == "approvals":
            back = reverse("approvals")
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "asked": asked,
            "facts": _facts(asked),
            "decided": "" if waits else _decided(asked),
            "doubt": _doubt(asked, request.user.pk, decision) if waits else "",
            "has_changed": has_changed,
        }
        template = "accounts/limit_decision.html"
        if has_changed:
            return show_form(request, context, form=form, back=back, template=template)
        return form_page(request, context, form=form, back=back, run=run, template=template)

    @display(description="Account")
    def of_account(self, asked: LimitRequest) -> SafeString:
        return link_to(asked.account, str(asked.account))

    @display(description="Limit")
    def money_overdraft_limit(self, asked: LimitRequest) -> str:
        return kind_of(asked).wanted

    @display(description="Limit at the request")
    def money_limit_before(self, asked: LimitRequest) -> str:
        return kind_of(asked).before

    @display(description="Status")
    def shown_status(self, asked: LimitRequest) -> SafeString:
        return badge(asked.get_status_display(), _COLOURS)

    @display(description="Asked by")
    def asked_by(self, asked: LimitRequest) -> Any:
        return asked.requested_by.get_username() if asked.requested_by else EMPTY


def _mark(account: Account) -> str:
    """Identifies what the page showed of the account, for a later check whether it still holds."""
    limits = f"{account.overdraft_limit.normalize():f}|{limits_in_words(account)}"
    return f"{limits}|{account.status}|{blocked_in_words(account)}"


def _facts(asked: LimitRequest) -> list[tuple[str, str]]:
    """What a second person needs to know of the account, as pairs of heading and words."""
    account = asked.account
    return [
        ("Customer", str(account.customer or "none")),
        ("Account", str(account)),
        ("Status", f"{account.shown_status.label}. {blocked_in_words(account)}"),
        *kind_of(asked).facts(),
    ]


def _waits(asked: LimitRequest) -> bool:
    return asked.status == LimitRequestStatus.PENDING


def _is_page_of_request(request: HttpRequest) -> bool:
    """Whether this is the page of a request, and not that of a decision."""
    found = request.resolver_match
    return found is not None and found.url_name == "accounts_limitrequest_change"


def _decided(asked: LimitRequest) -> str:
    """Who has decided already: "The request is approved already, by susan."."""
    by = f", by {asked.decided_by.get_username()}" if asked.decided_by else ""
    return f"The request is {asked.get_status_display().lower()} already{by}."


def _doubt(asked: LimitRequest, user_id: int | None, decision: type[LimitDecision]) -> str:
    """Why an approval by this user would be refused now; "" if it would not.

    The one who asked may reject, so that page does not name them.
    """
    if user_id == asked.account.owner_id:
        return "The account is your own, so someone else decides."
    if user_id == asked.requested_by_id and decision is ApproveLimit:
        return "You asked for this, so someone else approves it."
    if asked.account.is_closed:
        return "The account is closed."
    if has_changed(asked):
        return "The limit has changed since the request, so it has to be requested again."
    return ""
