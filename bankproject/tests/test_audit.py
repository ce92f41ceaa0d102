"""The audit log: complete, in order, at a bounded cost, and visible to few."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from axes.models import AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdfium2 import PdfDocument

from accounts.commands import FreezeAccount, RenameAccount
from accounts.models import Account, AccountEvent
from bankproject.console import audit
from bankproject.console.audit import audit_page, walk
from bankproject.console.audit_records import AuditEntry, Wanted
from bankproject.console.audit_sources import SOURCES
from core.commands import Origin
from core.console.sheets import MOST_ROWS, SheetFormat
from core.identifiers import uuid7
from staff.time_zone import COOKIE
from tests.api import client_of, make_user, staff
from tests.factories import make_account, run
from transactions.commands import Capture, Deposit, PlaceHold, Retry, Transfer, VoidHold, Withdraw
from transactions.ledger.processor import process
from transactions.models import Transaction, TransactionEvent

pytestmark = pytest.mark.django_db

PAGE, EXPORT = reverse("audit"), reverse("audit-export")
ALL = list(SOURCES)


def origin(user: Any, address: str = "192.0.2.9") -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}", request_id="r-7", address=address)


@pytest.fixture
def susan() -> Any:
    return make_user("susan", role="supervisor")


@pytest.fixture
def tessa() -> Any:
    return make_user("tessa", role="teller")


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance=10)


@pytest.fixture
def deeds(ada: Account, susan: Any, tessa: Any) -> None:
    """One action of each kind, oldest first."""
    AccessFailureLog.objects.create(username="tessa", ip_address="192.0.2.66", locked_out=True)
    AccessLog.objects.create(username="tessa", ip_address="192.0.2.5")
    run(RenameAccount(account_id=ada.id, name="Ada King", reason="Married"), origin(tessa))
    refused = run(Withdraw(account_id=ada.id, amount=Decimal(25), description="Car"), origin(tessa))
    run(Deposit(account_id=ada.id, amount=Decimal(100)))  # By a job, without a user.
    run(Retry(transaction_id=refused.id, reason="Salary came"), origin(susan, "192.0.2.8"))
    LogEntry.objects.log_actions(
        susan.pk, [tessa], CHANGE, "Reset the authenticator.", single_object=True
    )


def rows(client: Any, **query: Any) -> list[list[str]]:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return [[e.who, e.what, e.before, e.after, e.reason] for e in entries(response)]


def entries(response: Any) -> list[AuditEntry]:
    """The entries, except for the reader's own login."""
    reader = response.wsgi_request.user.username
    return [entry for entry in response.context["entries"] if entry.who != reader]


def test_every_deed_is_there_newest_first(deeds: None, admin_client: Client) -> None:
    asked_for = "Requested: withdrawal of 25.00 USD"
    assert rows(admin_client) == [
        ["susan", "User: change", "", "Reset the authenticator.", ""],
        ["susan", "Transaction: completed", "Pending", "Completed", ""],
        ["susan", "Transaction: retried", "Failed (Insufficient funds)", "Pending", "Salary came"],
        ["tessa", f"{asked_for}, by hand or by a program", "", "Completed by now", "Car"],
        ["tessa", "Account: renamed", "Name: Ada", "Name: Ada King", "Married"],
        ["tessa", "Logged in", "", "", ""],
        ["tessa", "Failed to log in", "", "Locked out for a while", ""],
    ]


def test_holds_are_told_with_what_they_reserve(
    ada: Account, tessa: Any, admin_client: Client
) -> None:
    placed = PlaceHold(account_id=ada.pk, amount=Decimal(4), description="Room")
    (hold,) = process([placed], origin(tessa))
    run(Capture(hold_id=hold.pk, amount=Decimal(1)), origin(tessa))
    run(VoidHold(hold_id=hold.pk, reason="Left"), origin(tessa))
    assert rows(admin_client, what="holds", account=ada.number) == [
        ["tessa", "Hold: voided", "4.00 USD held at first", "Voided", "Left"],
        ["tessa", "Hold: captured", "4.00 USD held at first", "3.00 USD held", "Room"],
        ["tessa", "Hold: placed", "", "4.00 USD held", "Room"],
    ]


def test_from_where_to_what(deeds: None, ada: Account, admin_client: Client) -> None:
    found = entries(admin_client.get(PAGE))
    assert [entry.address for entry in found] == [
        "", "192.0.2.8", "192.0.2.8", "192.0.2.9", "192.0.2.9", "192.0.2.5", "192.0.2.66",
    ]  # fmt: skip
    assert found[1].about == found[3].about == f"{ada.number} → CASH-USD"
    assert found[4].link == reverse("admin:accounts_account_change", args=[ada.pk])
    html = admin_client.get(PAGE).content.decode()
    for entry in found:
        assert not entry.link or f'href="{entry.link}"' in html


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"who": "susan"}, 3),
        ({"who": "tessa"}, 4),
        ({"who": "nobody"}, 0),
        ({"what": "accounts"}, 1),
        ({"what": "decisions"}, 2),
        ({"what": "transactions"}, 1),
        ({"what": "logins"}, 1),
        ({"what": "failed_logins"}, 1),
        ({"what": "staff"}, 1),
        ({"what": "decisions", "who": "tessa"}, 0),
        ({"automatic": "on"}, 8),
    ],
)
def test_filters(query: dict[str, str], count: int, deeds: None, admin_client: Client) -> None:
    assert len(rows(admin_client, **query)) == count


def test_filters_by_account_and_transaction(
    deeds: None, ada: Account, admin_client: Client
) -> None:
    bob = make_account(name="Bob")
    assert len(rows(admin_client, account=ada.number)) == 4
    assert len(rows(admin_client, account=str(ada.pk))) == 4
    assert rows(admin_client, account=bob.number) == []
    retried = Transaction.objects.get(type="WITHDRAW")
    assert len(rows(admin_client, transaction=str(retried.pk))) == 3
    for bad in ({"account": "1"}, {"transaction": "1"}, {"what": "x"}, {"first_day": "yesterday"}):
        response = admin_client.get(PAGE, bad)
        assert response.status_code == 200
        assert response.context["form"].errors
        assert response.context["entries"] == []
        assert admin_client.get(EXPORT, bad).status_code == 404


def test_days_are_both_included(deeds: None, admin_client: Client) -> None:
    today = timezone.localdate()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    assert len(rows(admin_client, first_day=today, last_day=today)) == 7
    assert rows(admin_client, first_day=tomorrow) == []
    assert rows(admin_client, last_day=yesterday) == []


def test_a_transfer_of_a_program_or_a_customer_is_no_deed_of_staff(
    ada: Account, tessa: Any, admin_client: Client
) -> None:
    customer, bob = make_user("customer"), make_account()
    command = Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(1))
    run(command, origin(customer))
    by_program = Transfer(
        account_id=ada.id,
        target_account_id=bob.id,
        amount=Decimal(2),
        idempotency_key="k",
        request_fingerprint="f",
    )
    run(by_program, Origin(user_id=tessa.pk, caller="client:abc"))
    assert rows(admin_client, what="transactions") == []


# Pages --------------------------------------------------------------------------------------------


@pytest.fixture
def history(ada: Account, susan: Any) -> int:
    """Rows of all sources at interleaved moments, some of them equal. Returns their number."""
    transaction = Transaction.objects.get()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(40):
        at = start + timedelta(seconds=n // 2)
        LogEntry.objects.create(user=susan, action_time=at, object_repr=str(n), action_flag=CHANGE)
        AccessLog.objects.create(username="susan", ip_address="192.0.2.1")
        AccessLog.objects.filter(pk__gte=0, attempt_time__gte=at + timedelta(days=1)).update(
            attempt_time=at
        )
        AccountEvent.objects.create(
            id=uuid7(at, n), account=ada, event="RENAMED", actor=susan, at=at
        )
        TransactionEvent.objects.create(
            id=uuid7(at, n),
            transaction=transaction,
            event="RETRIED",
            from_status="FAILED",
            to_status="PENDING",
            actor=susan,
            at=at,
        )
    return 160


@pytest.mark.parametrize("size", [1, 7, 50, 200])
def test_page_by_page_everything_comes_once_in_order(size: int, history: int) -> None:
    position, seen = "", []
    for _ in range(history + 1):
        page = audit_page(Wanted(), sources=ALL, position=position, size=size)
        assert len(page.entries) <= size
        seen += page.entries
        position = page.next
        if not position:
            break
    assert len(seen) == history
    assert [entry.at for entry in seen] == sorted((entry.at for entry in seen), reverse=True)
    for source in ("User: change", "Logged in", "Account: renamed", "Transaction: retried"):
        what = "Record: change" if source == "User: change" else source
        assert sum(entry.what == what for entry in seen) == 40


def test_what_comes_meanwhile_shifts_no_page(history: int, ada: Account, susan: Any) -> None:
    first = audit_page(Wanted(), sources=ALL, size=10)
    run(FreezeAccount(account_id=ada.id, reason="Court order"), origin(susan))
    AccessLog.objects.create(username="susan", ip_address="192.0.2.1")
    rest = audit_page(Wanted(), sources=ALL, position=first.next, size=200)
    assert len(first.entries) + len(rest.entries) == history
    assert rest.entries[0].at <= first.entries[-1].at


def test_a_rare_row_is_found_page_by_page_in_order(
    history: int, susan: Any, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page reads only part of a long log. No entry comes before a newer one of another source."""
    monkeypatch.setattr(audit, "LOOKED_THROUGH", 3)
    for who, count in ((Wanted(), history), (Wanted(who="nobody"), 0)):
        position, seen, pages = "", [], 0
        while pages < 200:
            page = audit_page(who, sources=ALL, position=position, size=50)
            seen += page.entries
            position, pages = page.next, pages + 1
            if not position:
                break
        assert len(seen) == count
        assert [entry.at for entry in seen] == sorted((e.at for e in seen), reverse=True)
        assert pages > 10
    assert len(list(walk(Wanted(), sources=ALL, most=99))) == 99


@pytest.mark.parametrize(
    "position", ["x", "AAAA", "e30x", "bnVsbA", "WzFd", "eyJsb2dpbnMiOiAieCJ9"]
)
def test_a_position_made_by_hand_is_nothing(position: str, admin_client: Client) -> None:
    assert admin_client.get(PAGE, {"position": position}).status_code == 404


def test_it_costs_the_same_with_a_thousand_rows(
    ada: Account, susan: Any, admin_client: Client
) -> None:
    counts = []
    for count in (1, 1000):
        AccessLog.objects.bulk_create(AccessLog(username="susan") for _ in range(count))
        renames = [RenameAccount(account_id=ada.id, name=str(n), reason="R") for n in range(count)]
        process(renames, origin(susan))
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(PAGE)
        counts.append(len(queries))
    # Session, user, nine sources, the ends of the two long ones, two numbers of the navigation,
    # the books.
    assert counts == [16, 16]


# Rights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"), [("auditor", 200), ("supervisor", 200), ("teller", 403)]
)
def test_it_is_for_auditors_and_supervisors(role: str, status: int, deeds: None) -> None:
    user = make_user(f"a-{role}", role=role)
    for url in (PAGE, EXPORT):
        assert client_of(user).get(url).status_code == status


def test_nobody_else_reads_it_and_nobody_changes_it(deeds: None, client: Client) -> None:
    auditor, customer = staff("auditor"), client_of(make_user("customer"))
    for url in (PAGE, EXPORT):
        assert client.get(url).status_code == 302
        assert customer.get(url).status_code == 302
        for method in ("post", "put", "patch", "delete"):
            assert getattr(auditor, method)(url).status_code == 405


# Export -------------------------------------------------------------------------------------------


def exported(client: Any, **query: str) -> list[list[str]]:
    response = client.get(EXPORT, query)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    reader = response.wsgi_request.user.username
    return [row for row in csv.reader(io.StringIO(text)) if row[1] != reader]


def test_the_export_has_the_same_rows(deeds: None, ada: Account) -> None:
    client = staff("auditor")
    header, *found = exported(client)
    assert header == [
        "at (UTC)", "who", "address", "what", "about", "id", "before", "after", "reason",
        "request_id",
    ]  # fmt: skip
    assert [row[3] for row in found] == [row[1] for row in rows(client)]
    renamed = found[4]
    assert renamed[0].endswith("Z")
    assert renamed[1:] == [
        "tessa", "192.0.2.9", "Account: renamed", f"{ada.number} Ada King", str(ada.pk),
        "Name: Ada", "Name: Ada King", "Married", "r-7",
    ]  # fmt: skip
    assert len(exported(client, who="susan")) == 1 + 3


def test_no_text_becomes_a_formula(ada: Account, susan: Any) -> None:
    run(RenameAccount(account_id=ada.id, name="Ada", reason="=cmd|' /C calc'!A0"), origin(susan))
    found = exported(staff("auditor"), what="accounts")
    assert found[1][8] == "'=cmd|' /C calc'!A0"


def test_a_pdf_with_its_filters(deeds: None, ada: Account) -> None:
    response = staff("auditor").get(EXPORT, {"format": "pdf", "who": "tessa", "what": "accounts"})
    document = PdfDocument(b"".join(response.streaming_content))
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    facts = ("Audit log", "Who (user name) tessa", "What Accounts")
    for words in (*facts, "192.0.2.9", "Account: renamed", ada.number, "Name: Ada King", "Married"):
        assert words in text
    assert "susan" not in text


@pytest.mark.parametrize("file_format", SheetFormat)
def test_too_many_rows_are_refused(
    deeds: None, file_format: SheetFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = staff("auditor")
    query = {"format": str(file_format), "who": "tessa"}
    monkeypatch.setitem(MOST_ROWS, file_format, 3)
    refused = client.get(EXPORT, query)
    assert (refused.status_code, refused["Location"]) == (302, f"{PAGE}?who=tessa")
    page = client.get(refused["Location"]).content.decode()
    words = f"A {file_format.upper()} holds 3 rows. Narrow the log by its filters."
    assert words in page
    monkeypatch.setitem(MOST_ROWS, file_format, 4)
    answer: Any = client.get(EXPORT, query)
    assert b"".join(answer.streaming_content)


def test_a_workbook(deeds: None, admin_client: Client) -> None:
    admin_client.cookies[COOKIE] = "Europe/Berlin"
    response = admin_client.get(EXPORT, {"format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<t>at (Europe/Berlin)</t>" in sheet
    assert response["Content-Disposition"].endswith('Z.xlsx"')
    assert admin_client.get(EXPORT, {"format": "exe"}).status_code == 404
