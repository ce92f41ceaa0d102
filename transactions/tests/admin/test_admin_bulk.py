"""Bulk actions of staff: asked for a reason, run row by row, each outcome reported."""

import re
import sqlite3
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.commands import FreezeAccount
from accounts.models import Account
from tests.admin import logged_in_as
from tests.api import shown
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.admin import bulk, bulk_run, export
from transactions.commands import Deposit, Reverse, Withdraw
from transactions.ledger.processor import process
from transactions.models import Transaction, TransactionEvent
from transactions.tests.queueing import queue_up

pytestmark = pytest.mark.django_db

LIST = reverse("admin:transactions_transaction_changelist")


def selected(*rows: Any, action: str, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(row.id) for row in rows], **more}


def target_of(html: str) -> str:
    (found,) = re.findall(r'<form method="post" action="([^"]+)"', html)
    return found.replace("&amp;", "&")


def rows_field(html: str) -> str:
    (found,) = re.findall(r'name="rows" value="([^"]+)"', html)
    return found


def ask(client: Client, *rows: Any, action: str, url: str = LIST, **more: str) -> tuple[str, str]:
    """Selects the rows for this action; returns the form's target, and the rows that it carries."""
    response = client.post(url, selected(*rows, action=action, **more))
    assert response.status_code == 200
    html = response.content.decode()
    return target_of(html), rows_field(html)


def outcomes(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 200
    return [(str(row.outcome), row.why) for row in response.context["rows"]]


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def too_long(*_: Any) -> Any:
    """Fails like a statement that the database ends by its time-out."""
    cause = sqlite3.OperationalError("interrupted")
    cause.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
    raise OperationalError("interrupted") from cause


def lose_the_database(monkeypatch: pytest.MonkeyPatch, *, at_call: int) -> None:
    """From call number `at_call` on, commands find no connection. On PostgreSQL it really ends."""
    calls = count(1)

    def run_or_fail(*arguments: Any) -> Any:
        if next(calls) < at_call:
            return process(*arguments)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise OperationalError("gone")

    monkeypatch.setattr(bulk_run, "process", run_or_fail)


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance=7)


def refused(account: Account, amount: str) -> Transaction:
    row = run(Withdraw(account_id=account.id, amount=Decimal(amount)))
    return Transaction.objects.get(pk=row.id)


def test_each_row_is_retried_by_itself_and_reported(ada: Account) -> None:
    small, large = refused(ada, "8"), refused(ada, "80")
    paid_in = deposit(ada, 3)
    client = logged_in_as("teller")
    with nothing_changes():
        target, rows = ask(client, small, large, paid_in, action="retry_selected")
    response = client.post(target, {"rows": rows, "reason": "Has paid in"})
    impossible = "A transaction cannot go from completed to pending."
    # Newest first, as on the list.
    assert outcomes(response) == [
        (
            "Refused",
            f"Not possible in this state: {impossible}",
        ),
        (
            "Refused",
            "Insufficient funds: 10.00 USD available, 80.00 USD needed.",
        ),
        ("Done", ""),
    ]
    assert response.context["summary"] == "1 done, 2 refused."
    for row in (small, large):
        row.refresh_from_db()
    assert (small.status, large.status) == ("COMPLETED", "FAILED")
    assert (small.debit_balance_after, large.retry_count) == (Decimal(2), 1)
    events = TransactionEvent.objects.filter(event="RETRIED")
    assert {(event.reason, event.actor.username) for event in events} == {("Has paid in", "teller")}
    html = response.content.decode()
    for row in (small, large):
        assert reverse("admin:transactions_transaction_change", args=[row.pk]) in html


def test_asked_twice_it_is_retried_once(ada: Account) -> None:
    failed = refused(ada, "8")
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    form = {"rows": rows, "reason": "Once"}
    first, second = client.post(target, form), client.post(target, form)
    assert outcomes(first)[0][1].endswith("USD needed.")
    assert outcomes(second)[0][1].endswith("The transaction has been retried in the meantime.")
    failed.refresh_from_db()
    assert (failed.status, failed.retry_count) == ("FAILED", 1)


def test_a_supervisor_reverses_each_once(ada: Account) -> None:
    opening = Transaction.objects.get(credit_account=ada)
    paid_in, withdrawn = deposit(ada, 30), run(Withdraw(account_id=ada.id, amount=Decimal(5)))
    bob = make_account(name="Bob", balance=11)
    frozen = Transaction.objects.get(credit_account=bob)
    run(FreezeAccount(account_id=bob.id, reason="Court order"))
    run(Reverse(transaction_id=paid_in.id, reason="Before"))
    client = logged_in_as("supervisor")
    response = client.post(
        LIST, selected(opening, paid_in, withdrawn, frozen, action="reverse_selected")
    )
    html = response.content.decode()
    assert "Reverse 4 transactions" in html
    assert "1 of them would be refused now" in html
    form = {"rows": rows_field(html), "reason": "Counted wrong"}
    response = client.post(target_of(html), form)
    assert [(outcome, why.split(":")[0]) for outcome, why in outcomes(response)] == [
        ("Refused", "The account is frozen"),
        ("Done", ""),
        ("Refused", "Already reversed"),
        # 7 + 30 - 5 - 30 + 5: the first deposit can be withdrawn again.
        ("Done", ""),
    ]
    reversals = Transaction.objects.filter(type="REVERSAL", description="Counted wrong")
    assert set(reversals.values_list("reverses_id", "status")) == {
        (frozen.id, "FAILED"),
        (withdrawn.id, "COMPLETED"),
        (opening.id, "COMPLETED"),
    }
    made = [row.made for row in response.context["rows"]]
    pages = [
        reverse("admin:transactions_transaction_change", args=[one.pk])
        for one in reversals.order_by("reverses_id")
    ]
    assert sorted(filter(None, made)) == sorted(pages)
    again = client.post(target_of(html), form)
    assert [why.split(":")[0] for _, why in outcomes(again)] == [
        "The account is frozen",
        *["Already reversed"] * 3,
    ]
    ada.refresh_from_db()
    assert ada.balance == Decimal(0)


def test_a_teller_cancels_what_waits(ada: Account) -> None:
    waiting = queue_up(*(Deposit(account_id=ada.id, amount=Decimal(n)) for n in (1, 2)))
    client = logged_in_as("teller")
    target, rows = ask(client, *waiting, action="cancel_selected")
    assert outcomes(client.post(target, {"rows": rows, "reason": "Typed twice"})) == [
        ("Done", ""),
        ("Done", ""),
    ]
    stored = Transaction.objects.filter(pk__in=[row.pk for row in waiting])
    assert set(stored.values_list("status", "failure_code")) == {("FAILED", "cancelled")}


def test_what_needs_approval_waits_for_it(ada: Account, settings: Any) -> None:
    failed = refused(ada, "8")
    deposit(ada, 5)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    response = client.post(target, {"rows": rows, "reason": "Has paid in"})
    assert outcomes(response) == [("Waits for approval", "")]


ACTIONS = {
    "retry_selected": {"teller", "supervisor"},
    "cancel_selected": {"teller", "supervisor"},
    "reverse_selected": {"supervisor"},
    "approve_selected": {"supervisor"},
    "reject_selected": {"supervisor"},
    "export_csv": {"teller", "supervisor", "auditor"},
    "export_xlsx": {"teller", "supervisor", "auditor"},
}


@pytest.mark.parametrize("role", ["teller", "supervisor", "auditor"])
def test_an_action_is_for_those_with_its_right(role: str, ada: Account) -> None:
    row = Transaction.objects.get()
    client = logged_in_as(role)
    html = client.get(LIST).content.decode()
    for action, roles in ACTIONS.items():
        assert (f'<option value="{action}">' in html) == (role in roles), action
        with nothing_changes():
            response = client.post(LIST, selected(row, action=action))
            assert response.status_code == (200 if role in roles else 403), action
            b"".join(response)  # A file is closed once it is read.
    form = {"rows": f"{row.pk}:0", "reason": "Typed by hand"}
    for name in ("retry", "cancel", "reverse"):
        url = reverse("admin:transactions_selected", args=[name])
        status = client.post(url, form).status_code
        assert status == (200 if role in ACTIONS[f"{name}_selected"] else 403), name
    assert client.post(LIST, selected(row, action="delete_selected")).status_code == 403


def test_without_a_reason_it_asks_again(ada: Account) -> None:
    failed = refused(ada, "8")
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    with nothing_changes():
        response = client.post(target, {"rows": rows, "reason": " "})
    html = response.content.decode()
    assert "This field is required." in html
    assert (target_of(html), rows_field(html)) == (target, rows)


def test_after_a_login_the_selection_is_shown_and_not_run(ada: Account) -> None:
    failed = refused(ada, "8")
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    page = client.get(target).content.decode()
    assert 'name="again" value="True"' in page
    deposit(ada, "50")
    with nothing_changes():
        response = client.post(target, {"rows": rows, "reason": "Payday", "again": "True"})
    html = response.content.decode()
    assert (target_of(html), rows_field(html)) == (target, rows)
    assert "Payday</textarea>" in html
    assert 'name="again" value="True"' not in html
    given = {"rows": rows, "reason": "Payday", "again": ""}
    assert outcomes(client.post(target, given)) == [("Done", "")]


@pytest.mark.parametrize("rows", ["", "nonsense", "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27:x"])
def test_nothing_selected_leads_back_to_the_list(rows: str) -> None:
    client = logged_in_as("teller")
    url = reverse("admin:transactions_selected", args=["retry"])
    response = client.post(f"{url}?filters=currency%3DEUR", {"rows": rows, "reason": "x"})
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?currency=EUR")
    assert said(response) == ["Nothing was done. Select transactions on this list first."]
    nothing = reverse("admin:transactions_selected", args=["nothing"])
    assert client.post(nothing, {"rows": rows}).status_code == 404


def test_all_that_the_filters_leave_can_be_selected_up_to_a_bound(
    ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    process([Withdraw(account_id=ada.id, amount=Decimal(n + 8)) for n in range(60)], ORIGIN)
    first = Transaction.objects.first()
    client = logged_in_as("teller")
    url = f"{LIST}?status__exact=FAILED"
    target, rows = ask(client, first, action="retry_selected", url=url, select_across="1")
    assert len(rows.split()) == 60
    assert len(outcomes(client.post(target, {"rows": rows, "reason": "All"}))) == 60
    monkeypatch.setattr(bulk, "MOST_ROWS", 59)
    with nothing_changes():
        body = selected(first, action="retry_selected", select_across="1")
        response = client.post(url, body)
        assert response.status_code == 302
        assert said(response) == [bulk._TOO_MANY]
        refused_again = client.post(target, {"rows": rows, "reason": "All"})
        assert refused_again.status_code == 302


def test_it_ends_in_time_and_says_what_it_left(
    ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = refused(ada, "8")
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    monkeypatch.setattr(bulk_run, "SECONDS", -1)
    with nothing_changes():
        response = client.post(target, {"rows": rows, "reason": "Once"})
    assert outcomes(response) == [
        ("Not tried", "Nothing was done: it took too long. Select it again.")
    ]


@pytest.mark.django_db(transaction=True)
def test_a_lost_database_leaves_the_outcome_unknown_and_the_rest_untouched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = make_account(name="Ada", balance=7)
    failed = [refused(ada, amount) for amount in ("8", "9", "10")]
    deposit(ada, 50)
    client = logged_in_as("teller")
    target, rows = ask(client, *failed, action="retry_selected")
    lose_the_database(monkeypatch, at_call=2)
    response = client.post(target, {"rows": rows, "reason": "Once"})
    assert outcomes(response) == [
        ("Done", ""),
        ("Unknown", "The database was lost: the outcome is unknown. Look at the transaction."),
        ("Not tried", "Nothing was done: the database failed before. Select it again."),
    ]
    assert response.context["summary"] == "1 done, 1 unknown, 1 not tried."


@pytest.mark.django_db(transaction=True)
def test_after_a_time_out_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = refused(make_account(balance=7), "8")
    client = logged_in_as("teller")
    target, rows = ask(client, failed, action="retry_selected")
    monkeypatch.setattr(bulk_run, "process", too_long)
    with nothing_changes():
        response = client.post(target, {"rows": rows, "reason": "Once"})
    assert outcomes(response) == [("Not tried", "The database is busy. Nothing was done.")]


def test_asking_costs_the_same_for_one_and_for_many(ada: Account) -> None:
    process([Withdraw(account_id=ada.id, amount=Decimal(n + 8)) for n in range(500)], ORIGIN)
    failed = list(Transaction.objects.filter(status="FAILED"))
    client = logged_in_as("supervisor")

    def cost(action: str, **more: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            body = selected(failed[0], action=action, **more)
            assert client.post(f"{LIST}?status__exact=FAILED", body).status_code == 200
        return len(queries)

    for action in ("retry_selected", "reverse_selected"):
        cost(action)  # Fills Django's caches.
        assert cost(action) == cost(action, select_across="1") <= 14


# Files --------------------------------------------------------------------------------------------


def test_what_is_selected_is_saved_as_csv(ada: Account) -> None:
    failed = refused(ada, "8.5")
    opening = Transaction.objects.get(type="DEPOSIT")
    client = logged_in_as("auditor")
    response = client.post(LIST, selected(failed, opening, action="export_csv"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.search(r'filename="transactions-\d{8}T\d{6}Z\.csv"', response["Content-Disposition"])
    header, newest, oldest, *rest = response.getvalue().decode("utf-8-sig").split("\r\n")
    assert rest == [""]
    assert header.startswith("Made at (UTC),Type,Status,Debit account,")
    assert f",{ada.number},Ada,CASH-USD," in newest
    assert newest.endswith(
        ",8.50,USD,,Insufficient funds (insufficient_funds),"
        f'"7.00 USD available, 8.50 USD needed.",,{shown(failed.effective_at)},0,,,{failed.pk}'
    )
    assert ",Deposit,Completed,CASH-USD," in oldest
    assert f",{ada.number},Ada,7.00,USD," in oldest


def test_xlsx_and_a_bound(ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Transaction.objects.get()
    client = logged_in_as("auditor")
    response = client.post(LIST, selected(row, action="export_xlsx"))
    assert response.getvalue()[:2] == b"PK"
    monkeypatch.setattr(export, "MOST_ROWS", 0)
    response = client.post(LIST, selected(row, action="export_csv"))
    assert response.status_code == 302
    assert said(response) == ["A file holds 0 transactions. Narrow the list by its filters first."]


def test_reading_a_file_costs_two_statements_for_each_thousand(ada: Account) -> None:
    process([Deposit(account_id=ada.id, amount=Decimal(n + 1)) for n in range(999)], ORIGIN)
    first = Transaction.objects.first()
    response = logged_in_as("auditor").post(
        LIST, selected(first, action="export_csv", select_across="1")
    )
    with CaptureQueriesContext(connection) as queries:
        lines = response.getvalue().split(b"\r\n")
    assert len(lines) == 1002
    assert len(queries) == 2
