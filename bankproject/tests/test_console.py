"""Navigation by role, times in the reader's time zone, and missing pages."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.models import AccountEvent
from bankproject.navigation import _SECTIONS, unfold_settings
from core.console.admin import BankModelAdmin
from core.identifiers import uuid7
from staff.time_zone import COOKIE
from tests.api import client_of, make_user, staff
from tests.factories import make_account, run
from transactions.commands import Cancel, Deposit, Reject, Reverse, Withdraw
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

TODAY = reverse("admin:index")
EVENTS = reverse("admin:accounts_accountevent_changelist")
BANK = [
    "Today",
    "Statistics",
    "Analytics",
    "Customers",
    "Accounts",
    "Transactions",
    "Approvals",
    "Overdraft limits",
    "Failed",
]
BANK += ["Holds", "Notes", "Entries", "Statements", "Files", "Batches", "Archive", "Jobs"]
BANK += ["Webhooks", "Deliveries"]
RECORDS = ["Account events", "Customer events", "Transaction events", "Verifications", "Seals"]
PROGRAMS = ["API clients", "Access tokens"]
EMPTY_LISTS = [
    "accounts_account",
    "accounts_accountevent",
    "accounts_limitrequest",
    "customers_customer",
    "customers_customerevent",
    "transactions_transaction",
    "transactions_transactionevent",
    "transactions_hold",
    "transactions_note",
    "transactions_entry",
    "transactions_batch",
    "transactions_archiverun",
    "transactions_verification",
    "statements_statement",
    "desk_deskfile",
    "webhooks_endpoint",
    "webhooks_delivery",
    "seals_seal",
]
STAFF = ["Users", "Groups", "Second factor", "Logins", "Failed logins"]


def titles(client: Client) -> list[str]:
    sections = client.get(TODAY).context["sidebar_navigation"]
    return [item["title"] for section in sections for item in section["items"]]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("teller", [*BANK, *RECORDS]),
        ("auditor", [*BANK, *PROGRAMS, *STAFF, "Audit log", *RECORDS]),
        ("supervisor", [*BANK, *PROGRAMS, *STAFF, "Audit log", *RECORDS]),
    ],
)
def test_each_role_has_its_pages(role: str, expected: list[str]) -> None:
    client = staff(role)
    assert titles(client) == expected
    pages = [page for section in _SECTIONS.values() for page in section]
    for page in pages:
        answer = client.get(reverse(page.view), follow=True)
        assert answer.status_code == (200 if page.title in expected else 403), page.title


@pytest.mark.parametrize(
    ("path", "query", "open_page"),
    [
        (TODAY, {}, "Today"),
        (reverse("admin:transactions_transaction_changelist"), {}, "Transactions"),
        (
            reverse("admin:transactions_transaction_changelist"),
            {"failure_code": "fault"},
            "Failed",
        ),
        (
            reverse("admin:transactions_transaction_changelist"),
            {"approval": "waits"},
            "Approvals",
        ),
        (reverse("audit"), {}, "Audit log"),
        (EVENTS, {}, "Account events"),
    ],
)
def test_the_page_that_is_open_is_marked(
    path: str, query: dict[str, str], open_page: str, admin_client: Client
) -> None:
    sections = admin_client.get(path, query).context["sidebar_navigation"]
    items = [item for section in sections for item in section["items"]]
    assert [item["title"] for item in items if item["active"]] == [open_page]


def test_failures_of_today_are_counted(admin_client: Client) -> None:
    account = make_account()
    run(Withdraw(account_id=account.id, amount=Decimal(7)))
    sections = admin_client.get(TODAY).context["sidebar_navigation"]
    badges = {item["title"]: item.get("badge") for part in sections for item in part["items"]}
    assert (badges["Failed"], badges["Approvals"]) == ("1", "")


def test_the_badge_counts_what_its_link_opens(admin_client: Client, settings: Any) -> None:
    """Rejected, cancelled and expired ones are nobody's fault; yesterday's are of yesterday."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}
    account = make_account(balance=5)
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        early = make_account()
        run(Withdraw(account_id=early.id, amount=Decimal(9)))
    run(Withdraw(account_id=account.id, amount=Decimal(9)))
    for command in (Reject, Cancel):
        row = run(Deposit(account_id=account.id, amount=Decimal(1000)))
        run(command(transaction_id=row.id, reason="No"))
    sections = admin_client.get(TODAY).context["sidebar_navigation"]
    (item,) = [one for part in sections for one in part["items"] if one["title"] == "Failed"]
    assert item["badge"] == "1"
    listed = admin_client.get(item["link"])
    assert listed.context["cl"].result_count == 1
    everything = admin_client.get(reverse("admin:transactions_transaction_changelist"))
    html = everything.content.decode()
    for word in ("Rejected", "Cancelled", "Completed", "Failed"):
        assert re.search(rf">\s*{word}\s*<", html), word


def test_what_was_reversed_says_so_in_list_and_page(admin_client: Client) -> None:
    make_account(balance=5)
    row = Transaction.objects.get()
    page = reverse("admin:transactions_transaction_change", args=[row.pk])
    assert "Reversed</span>" not in _joined(admin_client.get(page))
    run(Reverse(transaction_id=row.pk, reason="Counted wrong"))
    for path in (page, reverse("admin:transactions_transaction_changelist")):
        assert "Reversed</span>" in _joined(admin_client.get(path))


def _joined(response: Any) -> str:
    return re.sub(r"\s*<", "<", re.sub(r">\s*", ">", response.content.decode()))


def test_the_bank_s_own_name(client: Client, settings: Any) -> None:
    settings.UNFOLD = unfold_settings("Meridian & Sons")
    html = client.get(reverse("admin:login")).content.decode()
    assert "Meridian &amp; Sons" in html


# Times --------------------------------------------------------------------------------------------


@pytest.fixture
def noon() -> datetime:
    account = make_account()
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    AccountEvent.objects.create(id=uuid7(at), account=account, event="RENAMED", at=at)
    return at


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "2026-07-01 14:00:00 CEST"),
        ("America/New_York", "2026-07-01 08:00:00 EDT"),
        ("Asia/Kolkata", "2026-07-01 17:30:00 IST"),
        ("", "2026-07-01 12:00:00 UTC"),
        ("Nowhere/Land", "2026-07-01 12:00:00 UTC"),
        ("../../etc/passwd", "2026-07-01 12:00:00 UTC"),
    ],
)
def test_times_are_in_the_zone_of_the_browser(
    zone: str, shown: str, noon: datetime, admin_client: Client
) -> None:
    admin_client.cookies[COOKIE] = zone
    html = admin_client.get(EVENTS).content.decode()
    assert shown in html
    known = zone if zone.split("/", maxsplit=1)[0] in ("Europe", "America", "Asia") else "UTC"
    assert f"Times in {known}" in html
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_day_begins_in_that_zone(noon: datetime, admin_client: Client) -> None:
    """Noon in UTC is the next day in the Line Islands."""

    def found(day: str) -> int:
        days = {"at_from": day, "at_to": day}
        return int(admin_client.get(EVENTS, days).context["cl"].result_count)

    assert (found("2026-07-01"), found("2026-07-02")) == (1, 0)
    admin_client.cookies[COOKIE] = "Pacific/Kiritimati"
    assert (found("2026-07-01"), found("2026-07-02")) == (0, 1)


def test_the_api_speaks_utc(admin_client: Client) -> None:
    account = make_account()
    admin_client.cookies[COOKIE] = "Europe/Berlin"
    body = admin_client.get(f"/api/v1/accounts/{account.id}/").json()
    assert body["created_at"].endswith("Z")


def test_the_browser_tells_its_zone_on_the_login_page(client: Client) -> None:
    html = client.get(reverse("admin:login")).content.decode()
    assert '<script src="/static/staff/time_zone.js">' in html


# Missing pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/admin/nothing/", 404, "Nothing here"),
        ("/admin/auth/user/add/", 403, "Not allowed"),
        ("/admin/accounts/account/add/", 403, "Not allowed"),
        ("/admin/audit/?position=nonsense", 404, "Nothing here"),
    ],
)
def test_there_is_a_way_back(path: str, status: int, title: str) -> None:
    client = client_of(make_user("aldo", role="auditor"))
    answer = client.get(path)
    html = answer.content.decode()
    assert answer.status_code == status
    assert f"{title}</h1>" in html
    assert "Back to Today" in html
    assert 'id="nav-sidebar"' in html


def test_a_form_that_is_out_of_date_says_so() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("susan", role="supervisor"))
    answer = client.post(reverse("admin:password_change"), {})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()


def test_strangers_learn_nothing_of_it(client: Client) -> None:
    html = client.get("/elsewhere/").content.decode()
    assert "sidebar" not in html
    assert client.get("/admin/nothing/").status_code == 302
    forbidden = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {})
    assert forbidden.status_code == 403
    assert "sidebar" not in forbidden.content.decode()


@pytest.mark.parametrize("model", EMPTY_LISTS)
def test_an_empty_list_says_how_its_first_row_comes_about(model: str, admin_client: Client) -> None:
    html = admin_client.get(reverse(f"admin:{model}_changelist")).content.decode()
    page: Any = admin.site.get_model_admin(apps.get_model(model.replace("_", ".", 1)))
    words = page.when_empty
    assert words != BankModelAdmin.when_empty
    assert escape(words) in html


@pytest.mark.parametrize("query", ["account=%00", "status__exact=a%00b", "failure_code=%00"])
def test_a_character_that_no_database_keeps_is_no_filter(query: str, admin_client: Client) -> None:
    page = reverse("admin:transactions_transaction_changelist")
    response = admin_client.get(f"{page}?{query}")
    assert (response.status_code, response["Location"]) == (302, f"{page}?e=1")


@pytest.mark.parametrize("role", ["auditor", "supervisor"])
def test_the_page_of_a_user_reveals_nothing_of_the_password(role: str) -> None:
    client = staff(role)
    user = make_user("tessa", role="teller", password="correct horse battery staple")
    page = reverse("admin:auth_user_change", args=[user.pk])
    html = client.get(page).content.decode()
    assert "tessa" in html
    assert "lgorithm" not in html
    for part in user.password.split("$"):
        assert part[:6] not in html
    assert client.post(page, {"username": "other"}).status_code == 403
    for button in ("one_time_password", "reset_authenticator"):
        url = reverse(f"admin:auth_user_{button}", args=[user.pk])
        assert client.get(url).status_code == 403
