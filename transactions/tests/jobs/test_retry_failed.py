"""`manage.py retry_failed`: the transactions it retries, its output, and those it leaves alone."""

from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection

from accounts.commands import FreezeAccount, UnfreezeAccount
from accounts.models import Account
from core.database_errors import forget_trouble
from core.failures import sentence_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Cancel, Reverse, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.management.commands import retry_failed as command
from transactions.models import Transaction
from transactions.tests.queueing import history, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


ON_SQLITE = connection.vendor == "sqlite"


def retry_failed(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("retry_failed", *arguments, stdout=output)
    return output.getvalue().splitlines()


def summary(**outcomes: int) -> list[str]:
    """The outcomes as printed."""
    lines = [f"  {outcome:<24} {count}" for outcome, count in sorted(outcomes.items())]
    completed, waiting = outcomes.get("COMPLETED", 0), outcomes.get("PENDING", 0)
    total = sum(outcomes.values())
    first = (
        f"Retried {total} transactions: {completed} completed, {waiting} wait,"
        f" {total - completed - waiting} failed again or were refused."
    )
    return [first, *lines]


def refused(account: Account, amount: int) -> Transaction:
    row = run(Withdraw(account_id=account.id, amount=Decimal(amount)))
    assert row.status == "FAILED"
    return row


def test_nothing_failed() -> None:
    deposit(make_account(), 5)
    with nothing_changes():
        assert retry_failed() == summary()


@pytest.fixture
def read_only() -> Iterator[None]:
    """A database to which nothing can be written for the rest of the test."""
    connection.check_constraints()  # PostgreSQL could not do it later: it takes locks.
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = 1" if ON_SQLITE else "SET TRANSACTION READ ONLY")
    yield
    forget_trouble()
    connection.close_at = None
    if ON_SQLITE:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = 0")


def test_a_database_that_cannot_be_written_ends_it_with_the_reason(
    request: pytest.FixtureRequest,
) -> None:
    account = make_account(balance=5)
    refused(account, 8)
    refused(account, 9)
    request.getfixturevalue("read_only")
    output = StringIO()
    with pytest.raises(DatabaseError) as raised:
        call_command("retry_failed", stdout=output)
    assert "is read-only" in (sentence_of(raised.value) or "")
    assert output.getvalue().splitlines()[-1:] == [f"  {'not done: busy':<24} 1"]


def test_each_by_itself_oldest_first() -> None:
    account, frozen = make_account(balance=5), make_account(balance=50)
    rows = [refused(account, amount) for amount in (8, 12, 6)]
    run(FreezeAccount(account_id=frozen.id))
    blocked = refused(frozen, 9)
    deposit(account, 10)
    assert retry_failed() == summary(COMPLETED=2, account_frozen=1, insufficient_funds=1)
    # 15 pay the 8 first, then not the 12, then the 6.
    assert [outcome(row) for row in (*rows, blocked)] == [
        ("COMPLETED", ""),
        ("FAILED", "insufficient_funds"),
        ("COMPLETED", ""),
        ("FAILED", "account_frozen"),
    ]
    event = Transaction.objects.get(pk=rows[0].id).events.get(event="RETRIED")
    assert (event.caller, event.actor, event.reason) == ("job:retry_failed", None, "retry_failed")


# A rolled-back run must be a transaction of its own.
@pytest.mark.django_db(transaction=True)
def test_a_dry_run_says_what_would_come_of_it() -> None:
    account = make_account(balance=5)
    rows = [refused(account, amount) for amount in (8, 12)]
    deposit(account, 4)
    would = [summary(COMPLETED=1, insufficient_funds=1)[0].replace("Retried", "Would retry")]
    with nothing_changes():
        assert retry_failed("--dry-run")[:1] == would
    assert retry_failed()[:1] == summary(COMPLETED=1, insufficient_funds=1)[:1]
    assert [outcome(row)[0] for row in rows] == ["COMPLETED", "FAILED"]


def test_a_lost_database_ends_it_and_what_was_done_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = make_account(balance=5)
    rows = [refused(account, amount) for amount in (8, 7, 6)]
    deposit(account, 30)
    calls = count(1)

    def run_or_fail(*arguments: Any) -> Any:
        if next(calls) == 1:
            return process(*arguments)
        raise OperationalError("gone")

    monkeypatch.setattr(command, "process", run_or_fail)
    output = StringIO()
    with pytest.raises(OperationalError):
        call_command("retry_failed", stdout=output)
    assert output.getvalue().splitlines() == [
        "Retried 2 transactions: 1 completed, 0 wait, 0 failed again or were refused.",
        "The database failed: the others were not tried.",
        f"  {'COMPLETED':<24} 1",
        f"  {'outcome unknown':<24} 1",
    ]
    assert [outcome(row)[0] for row in rows] == ["COMPLETED", "FAILED", "FAILED"]


def test_a_limit_takes_the_oldest() -> None:
    account = make_account(balance=5)
    rows = [refused(account, amount) for amount in (8, 7, 6)]
    deposit(account, 30)
    assert retry_failed("--limit", "2") == summary(COMPLETED=2)
    assert [outcome(row)[0] for row in rows] == ["COMPLETED", "COMPLETED", "FAILED"]


def test_an_actor_is_who_asked_and_needs_the_right() -> None:
    account = make_account(balance=5)
    row = refused(account, 8)
    deposit(account, 10)
    make_user("auditor", role="auditor")
    teller = make_user("teller", role="teller")
    for name in ("nobody", "auditor"):
        with nothing_changes(), pytest.raises(CommandError, match=name) as raised:
            retry_failed("--actor", name)
        assert raised.value.returncode == 2
    assert retry_failed("--actor", "teller") == summary(COMPLETED=1)
    event = Transaction.objects.get(pk=row.id).events.get(event="RETRIED")
    assert (event.actor, event.caller) == (teller, "job:retry_failed")
    sent = run(Withdraw(account_id=account.id, amount=Decimal(1)))
    paid = Transaction.objects.filter(type="DEPOSIT").latest("id")
    assert run(Reverse(transaction_id=paid.id, reason="Twice")).status == "FAILED"
    assert (sent.status, retry_failed("--actor", "teller")[1:]) == (
        "COMPLETED",
        [f"  {'refused: permission_denied':<24} 1"],
    )


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--limit", text] for text in ("0", "-1", "1.5", "many", "")),
        *(["--account", text] for text in ("", "7", "019ab0c46d2e7a4180003f5e0c9d1b27")),
        *(["--reason", text] for text in ("", " ", "a\x00b", "\u200b", "r" * 501)),
    ],
    ids=ascii,
)
def test_arguments_are_read_as_everywhere(arguments: list[str]) -> None:
    refused(make_account(balance=5), 8)
    with nothing_changes(), pytest.raises(CommandError, match=f"argument {arguments[0]}: "):
        retry_failed(*arguments)


def test_only_those_of_a_code_or_an_account() -> None:
    account, other, frozen = (make_account(balance=5) for _ in range(3))
    mine, others = refused(account, 8), refused(other, 9)
    received = run(Transfer(account_id=other.id, target_account_id=account.id, amount=Decimal(7)))
    run(FreezeAccount(account_id=frozen.id))
    blocked = refused(frozen, 3)
    run(UnfreezeAccount(account_id=frozen.id))
    assert retry_failed("--code", "account_frozen") == summary(COMPLETED=1)
    assert outcome(blocked) == ("COMPLETED", "")
    assert retry_failed("--account", str(account.id)) == summary(insufficient_funds=2)
    assert [len(history(row)) for row in (mine, others, received)] == [2, 0, 2]
    with nothing_changes():
        assert retry_failed("--account", str(uuid4())) == summary()


def test_it_can_leave_the_work_to_the_queue() -> None:
    account = make_account(balance=5)
    row = refused(account, 8)
    deposit(account, 10)
    assert retry_failed("--queue", "--reason", "Salaries are in") == summary(PENDING=1)
    assert history(row) == [("RETRIED", "FAILED", "PENDING", 1)]
    assert Transaction.objects.get(pk=row.id).events.get().reason == "Salaries are in"
    assert work() == 1
    assert outcome(row) == ("COMPLETED", "")


def test_what_is_final_or_beyond_the_limit_is_left(settings) -> None:
    settings.RETRY_LIMIT = 1
    account = make_account(balance=5)
    row = refused(account, 8)
    (cancelled,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(2)))
    run(Cancel(transaction_id=cancelled.id, reason="no"))
    assert retry_failed() == summary(insufficient_funds=1)
    with nothing_changes():
        assert retry_failed() == summary(**{"refused: retry_limit": 1})
    assert outcome(row) == ("FAILED", "insufficient_funds")


@pytest.mark.parametrize("code", ["cancelled", "account_closed", "nonsense"])
def test_a_code_that_is_final_is_refused(code: str) -> None:
    with nothing_changes(), pytest.raises(CommandError, match=f"^{code} is not a failure"):
        retry_failed("--code", code)
