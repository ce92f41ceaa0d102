"""GET transactions/, entries/ and balance/ of an account, and a transaction with its details."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import Permission

from accounts.models import CASH, Account, internal_account_id
from core.commands import Command
from tests.api import (
    API,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_of,
    make_user,
    shown,
    staff,
)
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Transaction, TransactionEvent
from transactions.tests.api_bodies import entry_body, transaction_body

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


def at(moment: datetime, command: Command) -> Transaction:
    with time_machine.travel(moment, tick=False):
        return Transaction.objects.get(pk=run(command).id)


def a_day() -> tuple[Account, Account, list[Transaction]]:
    """A deposit, a transfer out, a refused withdrawal and a transfer in, an hour apart."""
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        one, other = make_account(overdraft_limit=Decimal(1)), make_account()
    there = Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal("4.5"))
    back = Transfer(account_id=other.id, target_account_id=one.id, amount=Decimal("1.25"))
    commands: list[Command] = [
        Deposit(account_id=one.id, amount=Decimal(10), description="Cash"),
        there,
        Withdraw(account_id=one.id, amount=Decimal(7)),
        back,
    ]
    rows = [at(NOON + timedelta(hours=hour), command) for hour, command in enumerate(commands)]
    return one, other, rows


REFUSED: dict[str, Any] = {
    "code": "insufficient_funds",
    "detail": "6.50 USD available, 7.00 USD needed.",
    "retryable": True,
}


def test_a_history_has_both_sides_and_what_was_refused(auditor: ApiClient) -> None:
    one, other, (paid, there, refused, back) = a_day()
    response = auditor.get(account_path(one, "transactions"))
    assert response.status_code == 200
    assert response.json() == {
        "next": None,
        "previous": None,
        "results": [
            transaction_body(
                back,
                account=other,
                target=one,
                amount="1.25",
                balance_after="6.75",
                direction="credit",
            ),
            transaction_body(
                refused,
                account=one,
                amount="7.00",
                balance_after=None,
                failure=REFUSED,
                direction="debit",
            ),
            transaction_body(
                there,
                account=one,
                target=other,
                amount="4.50",
                balance_after="5.50",
                direction="debit",
            ),
            transaction_body(
                paid, account=one, amount="10.00", balance_after="10.00", direction="credit"
            ),
        ],
    }
    others = auditor.get(account_path(other, "transactions")).json()["results"]
    assert [(row["direction"], row["balance_after"]) for row in others] == [
        ("debit", "3.25"),
        ("credit", "4.50"),
    ]


def test_the_cash_account_has_a_history_for_staff(auditor: ApiClient) -> None:
    one, _, (paid, _, refused, _) = a_day()
    cash = internal_account_id(CASH, "USD")
    rows = auditor.get(account_path(cash, "transactions")).json()["results"]
    assert [(row["transaction_id"], row["direction"], row["account_id"]) for row in rows] == [
        (str(refused.id), "credit", str(one.id)),
        (str(paid.id), "debit", str(one.id)),
    ]
    assert [row["balance_after"] for row in rows] == [None, None]


def test_entries_are_the_ledger_lines_of_one_side(auditor: ApiClient) -> None:
    one, _, (paid, there, _, back) = a_day()
    response = auditor.get(account_path(one, "entries"))

    def line(row: Transaction, side: str, sequence: int, amount: str, after: str) -> dict[str, Any]:
        return entry_body(
            row, account=one.id, side=side, sequence=sequence, amount=amount, balance_after=after
        )

    assert response.json() == {
        "next": None,
        "previous": None,
        "results": [
            line(back, "CREDIT", 3, "1.25", "6.75"),
            line(there, "DEBIT", 2, "-4.50", "5.50"),
            line(paid, "CREDIT", 1, "10.00", "10.00"),
        ],
    }


@pytest.mark.parametrize(
    ("moment", "balance"),
    [
        (NOON - MICROSECOND, "0.00"),
        (NOON, "10.00"),
        (NOON + timedelta(hours=1) - MICROSECOND, "10.00"),
        (NOON + timedelta(hours=1), "5.50"),
        (NOON + timedelta(hours=2), "5.50"),
        (NOON + timedelta(hours=3) - MICROSECOND, "5.50"),
        (NOON + timedelta(hours=3), "6.75"),
        (NOON + timedelta(days=9), "6.75"),
        (datetime(1, 1, 1, tzinfo=UTC), "0.00"),
    ],
)
def test_the_balance_at_a_moment(auditor: ApiClient, moment: datetime, balance: str) -> None:
    one, _, _ = a_day()
    for text in (shown(moment), shown(moment).replace("Z", "+00:00").replace("+", "%2B")):
        response = auditor.get(f"{account_path(one, 'balance')}?at={text}")
        assert response.json() == {
            "account_id": str(one.id),
            "currency": "USD",
            "balance": balance,
            "available_balance": None,
            "at": shown(moment),
        }


def test_the_balance_now(auditor: ApiClient) -> None:
    one, _, _ = a_day()
    one.refresh_from_db()
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        response = auditor.get(account_path(one, "balance"))
        asked_back = auditor.get(account_path(one, "balance") + f"?at={response.json()['at']}")
    assert response.json() == {
        "account_id": str(one.id),
        "currency": "USD",
        "balance": "6.75",
        "available_balance": "7.75",
        # Since its last posting: a posting under way gets a later moment.
        "at": shown(one.last_posted_at),
    }
    assert asked_back.json() == response.json() | {"available_balance": None}


def test_a_balance_to_come_is_not_known(auditor: ApiClient) -> None:
    path = account_path(make_account(), "balance")
    with time_machine.travel(NOON, tick=False):
        response = auditor.get(f"{path}?at={shown(NOON + MICROSECOND)}")
        assert bad_fields(response) == [("at", "in_the_future")]
        assert auditor.get(f"{path}?at={shown(NOON)}").status_code == 200


def test_the_details_of_a_transaction(auditor: ApiClient) -> None:
    one, other, (paid, there, _, _) = a_day()
    read = auditor.get(f"{API}transactions/{there.id}/")
    assert read.status_code == 200
    assert read.json() == transaction_body(
        there,
        account=one,
        target=other,
        amount="4.50",
        balance_after="5.50",
        reversed_by=None,
        hold_id=None,
        entries=[
            entry_body(
                there,
                account=other.id,
                side="CREDIT",
                sequence=1,
                amount="4.50",
                balance_after="4.50",
            ),
            entry_body(
                there,
                account=one.id,
                side="DEBIT",
                sequence=2,
                amount="-4.50",
                balance_after="5.50",
            ),
        ],
        events=[],
    )
    deposit = auditor.get(f"{API}transactions/{paid.id}/").json()
    assert deposit["entries"][1] == entry_body(
        paid,
        account=internal_account_id(CASH, "USD"),
        side="DEBIT",
        sequence=None,
        amount="-10.00",
        balance_after=None,
    )


def test_staff_see_what_happened_to_a_transaction(auditor: ApiClient) -> None:
    _, _, (_, _, refused, _) = a_day()
    event = TransactionEvent.objects.create(
        id=uuid4(),
        transaction=refused,
        event="retried",
        from_status="FAILED",
        to_status="PENDING",
        attempt=1,
        reason="The customer paid in",
        detail={"code": "insufficient_funds"},
        at=NOON,
    )
    assert auditor.get(f"{API}transactions/{refused.id}/").json()["events"] == [
        {
            "event": "retried",
            "from_status": "FAILED",
            "to_status": "PENDING",
            "attempt": 1,
            "actor": None,
            "caller": "",
            "reason": event.reason,
            "detail": {"code": "insufficient_funds"},
            "at": shown(NOON),
        }
    ]


def test_a_history_without_rows_is_empty_only_for_those_who_see_the_account(
    auditor: ApiClient,
) -> None:
    empty, used = make_account(), make_account(balance=5)
    assert auditor.get(account_path(empty, "transactions")).json()["results"] == []
    # A right of its own for transactions shows no account.
    clerk = make_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_transaction"))
    client = client_of(clerk)
    for account in (empty, used):
        response = client.get(account_path(account, "transactions"))
        assert_problem(response, "not_found", f"There is no account {account.id}.")


def test_a_missing_account_or_transaction_is_not_found(auditor: ApiClient) -> None:
    missing = uuid4()
    for action in ("transactions", "entries", "balance"):
        response = auditor.get(account_path(missing, action))
        assert_problem(response, "not_found", f"There is no account {missing}.")
    response = auditor.get(f"{API}transactions/{missing}/")
    assert_problem(response, "not_found", f"There is no transaction {missing}.")
