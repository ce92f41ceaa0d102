"""Accepting, due transactions and turns. Processes: test_process_transactions.py."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account
from accounts.states import FreezeScope
from core.errors import (
    BankError,
    CurrencyMismatch,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    SameAccount,
    TransactionsPending,
)
from core.identifiers import uuid7
from tests.assertions import BULK_INSERT, nothing_changes, stored
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger import writer as ledger
from transactions.ledger.processor import process
from transactions.models import Transaction, TransactionEvent
from transactions.queue.acceptance import accept
from transactions.queue.waiting import due, lag
from transactions.tests.queueing import claimed, outcome, queue_up, verbs_of_accepting, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


def withdraw(account: Account, amount: int | str, **fields: Any) -> Withdraw:
    return Withdraw(account_id=account.id, amount=Decimal(amount), **fields)


def transfer(source: Account, target: Account, amount: int | str, **fields: Any) -> Transfer:
    return Transfer(
        account_id=source.id, target_account_id=target.id, amount=Decimal(amount), **fields
    )


# Accepting. ---------------------------------------------------------------------------------------


def test_accepting_reads_the_accounts_and_inserts() -> None:
    source, target = make_account(balance=30), make_account()
    accounts = stored(Account)
    with CaptureQueriesContext(connection) as statements:
        (row,) = accept([transfer(source, target, 12, description="Rent")], ORIGIN)
    assert verbs_of_accepting(statements) == ["SELECT", BULK_INSERT]
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.status, kept.amount, kept.description) == ("PENDING", 12, "Rent")
    assert (kept.debit_account_id, kept.credit_account_id) == (source.id, target.id)
    assert kept.lease_token is kept.completed_at is kept.debit_sequence is None
    assert stored(Account) == accounts
    assert not TransactionEvent.objects.exists()


def test_a_list_is_accepted_by_as_many_statements_as_one_command() -> None:
    account = make_account()
    commands = [withdraw(account, number) for number in range(1, 101)]
    with CaptureQueriesContext(connection) as statements:
        rows = accept(commands, ORIGIN)
    assert verbs_of_accepting(statements) == ["SELECT", BULK_INSERT]
    assert [row.id for row in due(timezone.now())] == [row.id for row in rows]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (lambda one, _: withdraw(one, "0.001"), InvalidInput),
        (lambda one, _: withdraw(one, 0), InvalidInput),
        (lambda one, _: transfer(one, one, 5), SameAccount),
        (lambda one, euro: transfer(one, euro, 5), CurrencyMismatch),
        (lambda one, _: Deposit(account_id=uuid7(one.created_at), amount=Decimal(5)), NotFound),
    ],
)
def test_an_invalid_command_is_not_queued(command: Any, error: type[BankError]) -> None:
    one, euro = make_account(balance=30), make_account(currency="EUR")
    with nothing_changes(), pytest.raises(error):
        accept([withdraw(one, 7), command(one, euro)], ORIGIN)


@pytest.mark.django_db(transaction=True)
def test_a_list_that_meets_a_taken_key_leaves_nothing_of_it() -> None:
    """On SQLite the rows are inserted one by one."""
    account = make_account(balance=30)
    key = {"idempotency_key": "k", "request_fingerprint": "a"}
    run(withdraw(account, 3, **key))
    with nothing_changes(), pytest.raises(IdempotencyKeyReused):
        accept([withdraw(account, 5, idempotency_key="k"), withdraw(account, 6)], ORIGIN)
    with nothing_changes(), pytest.raises(Exception, match=r"(?i)unique"):
        accept([withdraw(account, 6), withdraw(account, 5, **key)], ORIGIN)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_known_is_answered_from_what_it_made() -> None:
    account = make_account(balance=30)
    command = withdraw(account, 7, idempotency_key="k", request_fingerprint="a")
    (row,) = accept([command], ORIGIN)
    with nothing_changes():
        for again in (accept([command], ORIGIN), run(command)):
            (replay,) = again if isinstance(again, list) else [again]
            assert (replay.replayed, replay.as_transaction().id) == (True, row.id)
            assert replay.as_transaction().status == "PENDING"
        other = withdraw(account, 8, idempotency_key="k", request_fingerprint="b")
        with pytest.raises(IdempotencyKeyReused):
            accept([other], ORIGIN)
    work()
    with nothing_changes():
        (replay,) = accept([command], ORIGIN)
        assert replay.as_transaction().status == "COMPLETED"


# Due. ---------------------------------------------------------------------------------------------


def test_what_is_scheduled_waits_for_its_time() -> None:
    account = make_account(balance=100)
    with time_machine.travel(NOW, tick=False):
        late, soon, at_once = queue_up(
            withdraw(account, 1, scheduled_for=NOW + timedelta(minutes=2)),
            withdraw(account, 2, scheduled_for=NOW + timedelta(minutes=1)),
            withdraw(account, 4),
        )
        assert work() == 1
        assert [outcome(row)[0] for row in (late, soon, at_once)] == [
            "PENDING",
            "PENDING",
            "COMPLETED",
        ]
    with time_machine.travel(NOW + timedelta(minutes=1, microseconds=-1), tick=False):
        assert work() == 0
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert work() == 1
    assert [outcome(row)[0] for row in (late, soon)] == ["PENDING", "COMPLETED"]
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        assert work() == 1
    rows = [Transaction.objects.get(pk=row.id) for row in (at_once, soon, late)]
    assert [row.debit_sequence for row in rows] == [2, 3, 4]


def test_due_ones_go_by_their_time_and_then_by_their_id() -> None:
    account = make_account(balance=100)
    with time_machine.travel(NOW, tick=False):
        moment = NOW + timedelta(seconds=30)
        last, first = queue_up(
            withdraw(account, 1, scheduled_for=moment),
            withdraw(account, 2, scheduled_for=moment - timedelta(seconds=10)),
        )
        earlier, later = sorted(
            queue_up(withdraw(account, 3), withdraw(account, 4)), key=lambda row: row.id
        )
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert claimed() == [earlier.id, later.id, first.id, last.id]


def test_a_moment_long_past_means_now() -> None:
    account = make_account(balance=100)
    with time_machine.travel(NOW, tick=False):
        (first,) = queue_up(withdraw(account, 1))
        (second,) = queue_up(withdraw(account, 2, scheduled_for=datetime(1, 1, 1, tzinfo=UTC)))
        assert Transaction.objects.get(pk=second.id).scheduled_for == NOW
        assert lag(NOW) == timedelta(0)
        assert claimed() == sorted([first.id, second.id])


def test_the_lag_is_the_wait_of_the_oldest_due_one(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=40)
    with time_machine.travel(NOW, tick=False):
        assert lag(timezone.now()) == timedelta(0)
        queue_up(
            withdraw(account, 60), withdraw(account, 5, scheduled_for=NOW + timedelta(seconds=20))
        )
    assert lag(NOW + timedelta(seconds=19)) == timedelta(0)
    assert lag(NOW + timedelta(seconds=25)) == timedelta(seconds=5)
    with time_machine.travel(NOW + timedelta(seconds=25), tick=False):
        claimed()
        assert lag(timezone.now()) == timedelta(0)


# The worker's checks. -----------------------------------------------------------------------------


def test_an_account_is_not_closed_while_something_waits() -> None:
    account = make_account()
    (row,) = queue_up(withdraw(account, 5))
    for state in ("PENDING", "PROCESSING"):
        assert outcome(row)[0] == state
        with nothing_changes(), pytest.raises(TransactionsPending):
            run(CloseAccount(account_id=account.id))
        claimed()


def closed() -> Account:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    return account


def frozen() -> Account:
    account = make_account(balance=30)
    run(FreezeAccount(account_id=account.id, scope=FreezeScope.ALL))
    return account


def rich() -> Account:
    """An account with the largest possible balance."""
    account = make_account()
    process([Deposit(account_id=account.id, amount=Decimal(10) ** 11)] * 1000, ORIGIN)
    return account


@pytest.mark.parametrize(
    ("make", "command", "code", "detail"),
    [
        (closed, Deposit, "account_closed", "Account {id} is closed."),
        (frozen, Withdraw, "account_frozen", "Account {id} is frozen for debits."),
        (
            lambda: make_account(balance="6.99"),
            Withdraw,
            "insufficient_funds",
            "6.99 USD available, 7.00 USD needed.",
        ),
        (
            rich,
            Deposit,
            "balance_limit",
            "The balance would pass 100000000000000.00 USD.",
        ),
    ],
)
def test_a_queued_command_that_is_refused_ends_failed(
    make: Any, command: Any, code: str, detail: str
) -> None:
    account = make()
    (row,) = queue_up(command(account_id=account.id, amount=Decimal(7)))
    before = stored(Account)
    assert work() == 1
    assert stored(Account) == before
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.status, kept.failure_code) == ("FAILED", code)
    assert kept.failure_detail == detail.format(id=account.id)
    assert kept.lease_token is kept.completed_at is kept.debit_sequence is None


# Whose turn it is. --------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_a_claim_skips_what_others_have_locked() -> None:
    queue_up(withdraw(make_account(balance=5), 3))
    with CaptureQueriesContext(connection) as statements:
        claimed()
    selects = [query["sql"] for query in statements if "FOR NO KEY UPDATE" in query["sql"]]
    assert selects
    for sql in selects:
        assert sql.endswith('FOR NO KEY UPDATE OF "transactions_transaction" SKIP LOCKED')
    assert "LIMIT 500" in selects[0]


def test_an_account_has_one_worker_at_a_time_and_its_order() -> None:
    one, other = make_account(balance=50), make_account(balance=50)
    first, second, third = queue_up(withdraw(one, 1), withdraw(one, 2), withdraw(other, 4))
    assert claimed("a", batch_size=1) == [first.id]
    assert claimed("b") == [third.id]
    assert claimed("c") == []
    assert outcome(second) == ("PENDING", "")


def test_a_worker_takes_all_of_an_account_at_once() -> None:
    account = make_account(balance=50)
    rows = queue_up(*(withdraw(account, number) for number in (3, 2, 1)))
    assert claimed() == [row.id for row in rows]


def test_a_waiting_row_makes_later_rows_of_its_accounts_wait() -> None:
    """The transfer 1-2 is held, so 2-3 waits, and so 3-4 waits too. 5-6 does not."""
    one, two, three, four, five, six = (make_account(balance=50) for _ in range(6))
    held, waits, waits_too, free = queue_up(
        transfer(one, two, 1), transfer(two, three, 2), transfer(three, four, 4),
        transfer(five, six, 8),
    )  # fmt: skip
    assert claimed("a", batch_size=1) == [held.id]
    assert claimed("b") == [free.id]
    assert {outcome(waits), outcome(waits_too)} == {("PENDING", "")}


def test_nobody_waits_for_the_cash_account() -> None:
    one, other = make_account(), make_account()
    first, second = queue_up(
        *(Deposit(account_id=account.id, amount=Decimal(5)) for account in (one, other))
    )
    assert claimed("a", batch_size=1) == [first.id]
    assert claimed("b") == [second.id]


def test_what_waits_for_approval_or_its_time_is_in_nobodys_way(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(20)}
    account = make_account(balance=10)
    _, later, small = queue_up(
        withdraw(account, 20),
        withdraw(account, 3, scheduled_for=timezone.now() + timedelta(hours=1)),
        withdraw(account, 4),
    )
    assert claimed() == [small.id]
    assert outcome(later) == ("PENDING", "")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_claim_that_is_not_committed_yet_keeps_the_account_as_well() -> None:
    one, other = make_account(balance=50), make_account(balance=50)
    first, _, third = queue_up(withdraw(one, 1), withdraw(one, 2), withdraw(other, 4))
    began, enough = Event(), Event()

    def half_a_claim() -> None:
        try:
            with transaction.atomic():
                ledger.lock_rows(Q(pk=first.id), skip_locked=True)
                began.set()
                assert enough.wait(120)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(half_a_claim)
        try:
            assert began.wait(120)
            assert claimed("b") == [third.id]
        finally:
            enough.set()
            future.result()


def test_order_holds_whatever_the_size_of_the_claims() -> None:
    accounts = [make_account(balance=100) for _ in range(3)]
    commands = [
        transfer(accounts[number % 3], accounts[(number + 1) % 3], number + 1)
        for number in range(12)
    ]
    rows = queue_up(*commands)
    assert work(batch_size=5) == 12
    for account in accounts:
        mine = Transaction.objects.filter(pk__in=[row.id for row in rows]).filter(
            Q(debit_account=account) | Q(credit_account=account)
        )
        sequences = [
            row.debit_sequence if row.debit_account_id == account.id else row.credit_sequence
            for row in mine.order_by("id")
        ]
        assert sequences == list(range(2, 10))


def test_an_error_of_the_database_is_no_contention() -> None:
    account = make_account()
    with pytest.raises(OperationalError), connection.execute_wrapper(_broken):
        accept([withdraw(account, 3)], ORIGIN)


def _broken(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith("SELECT"):
        raise OperationalError("the server closed the connection unexpectedly")
    return execute(sql, params, many, context)
