"""The database itself protects the journal and its events, whichever way they are written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import Q

from accounts.models import CASH, Account, internal_account_id
from tests.assertions import refused_by_database, stored
from tests.factories import ORIGIN, make_account, run
from tests.routes import DELETE_ROUTES, UPDATE_ROUTES
from transactions.commands import Withdraw
from transactions.guards.journal import _IDENTITY, _MARK, _ORIGIN, _OUTCOME, JOURNAL
from transactions.ledger import events
from transactions.ledger import writer as ledger
from transactions.models import ArchiveRun, Transaction, TransactionEvent
from transactions.tests.past_the_ledger import insert, queued_deposit, update

pytestmark = pytest.mark.django_db

LATER = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def completed(account: Account) -> Transaction:
    make_account(balance="7.25")
    return Transaction.objects.get()


@pytest.fixture
def failed(account: Account) -> Transaction:
    row = run(Withdraw(account_id=account.id, amount=Decimal(5)))
    return Transaction.objects.get(pk=row.id)


@pytest.fixture
def event(account: Account) -> TransactionEvent:
    row = queued_deposit(account, status="FAILED", failure_code="account_frozen")
    insert(row)
    return TransactionEvent.objects.create(
        id=uuid4(),
        transaction=row,
        event="retried",
        from_status="FAILED",
        to_status="PENDING",
        at=LATER,
    )


@pytest.fixture
def archive_run() -> ArchiveRun:
    return ArchiveRun.objects.create(id=uuid4(), started_at=LATER)


# Nothing is lost. ---------------------------------------------------------------------------------


@pytest.mark.parametrize("route", DELETE_ROUTES)
@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_transactions_are_never_deleted(route: str, outcome: str, request) -> None:
    row = request.getfixturevalue(outcome)
    with refused_by_database("transactions are never deleted"):
        DELETE_ROUTES[route](row)


@pytest.mark.parametrize("route", DELETE_ROUTES)
def test_transaction_events_are_never_deleted(route: str, event: TransactionEvent) -> None:
    with refused_by_database("transaction events are never deleted"):
        DELETE_ROUTES[route](event)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_transaction_events_never_change(route: str, event: TransactionEvent) -> None:
    with refused_by_database(r"transaction events (never change|are never deleted)"):
        UPDATE_ROUTES[route](event, "reason", "another one")


# The request of a transaction never changes. ------------------------------------------------------


@pytest.mark.parametrize("route", UPDATE_ROUTES)
@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_a_transaction_keeps_its_amount(route: str, outcome: str, request) -> None:
    row = request.getfixturevalue(outcome)
    with refused_by_database(r"amount.* never change|transactions are never deleted"):
        UPDATE_ROUTES[route](row, "amount", 1_000_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", uuid4()),
        ("type", "DEPOSIT"),
        ("debit_account", internal_account_id(CASH, "EUR")),
        ("credit_account", internal_account_id(CASH, "EUR")),
        ("currency", "EUR"),
        ("description", "another story"),
        ("effective_at", LATER),
        ("reverses", uuid4()),
        ("batch", uuid4()),
        ("batch_index", 3),
        ("idempotency_caller", "user:7"),
        ("idempotency_key", "k"),
        ("request_fingerprint", "f" * 64),
        ("created_by", 7),
        ("created_at", LATER),
    ],
)
def test_a_transaction_keeps_its_identity(name: str, value: Any, failed: Transaction) -> None:
    """A failed one, which may still be retried. The same holds for all others."""
    with refused_by_database("accounts, amount, type, key and creator .* never change"):
        UPDATE_ROUTES["SQL"](failed, name, value)


# Completed transactions are final. ----------------------------------------------------------------


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_a_completed_transaction_never_changes(route: str, completed: Transaction) -> None:
    with refused_by_database(r"transaction never changes|transactions are never deleted"):
        UPDATE_ROUTES[route](completed, "worker", "w-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("debit_sequence", 9),
        ("debit_balance_after", 9),
        ("credit_sequence", 9),
        ("credit_balance_after", 9),
        ("failure_code", "busy"),
        ("failure_detail", "x"),
        ("retry_count", 1),
        ("scheduled_for", LATER),
        ("approval_required", True),
        ("lease_token", uuid4()),
        ("lease_expires_at", LATER),
        ("worker", "w"),
        ("approved_by", 7),
        ("updated_at", LATER),
        ("completed_at", LATER),
    ],
)
def test_no_column_of_a_completed_transaction_changes(
    name: str, value: Any, completed: Transaction
) -> None:
    with refused_by_database("a completed or archived transaction never changes"):
        UPDATE_ROUTES["SQL"](completed, name, value)


def test_every_column_is_guarded() -> None:
    """Every new column of the journal must belong to one of the guards."""
    columns = {field.column for field in Transaction._meta.concrete_fields}
    guarded = [*_IDENTITY, *_ORIGIN, *_OUTCOME, *_MARK]
    assert sorted(guarded) == sorted(columns)


# The archive mark. --------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_the_archive_mark_is_set_once(outcome: str, archive_run: ArchiveRun, request) -> None:
    row = request.getfixturevalue(outcome)
    mark = f"archived_at = '2031-01-01 00:00:00+00:00', archive_run_id = '{_key(archive_run.id)}'"
    update(row, mark)
    assert Transaction.objects.filter(archive_run=archive_run).get() == row
    for undone in (
        "archived_at = NULL, archive_run_id = NULL",
        "archived_at = '2032-01-01 00:00:00+00:00'",
    ):
        with refused_by_database("the archive mark of a transaction is set once"):
            update(row, undone)


def test_an_archived_failure_is_not_retried(failed: Transaction, archive_run: ArchiveRun) -> None:
    update(
        failed,
        f"archived_at = '2031-01-01 00:00:00+00:00', archive_run_id = '{_key(archive_run.id)}'",
    )
    with refused_by_database("a completed or archived transaction never changes"):
        update(failed, "status = 'PENDING', failure_code = '', failure_detail = ''")


def test_no_transaction_is_born_archived(account: Account, archive_run: ArchiveRun) -> None:
    archived = {"archived_at": LATER, "archive_run": archive_run}
    with refused_by_database("born pending, completed or failed"):
        insert(queued_deposit(account, status="FAILED", failure_code="account_frozen", **archived))


# The accounts exist, and the currency is theirs. --------------------------------------------------

_UNKNOWN = uuid4()
WRONG_ACCOUNTS = [
    {"debit_account_id": _UNKNOWN},
    {"credit_account_id": _UNKNOWN},
    {"debit_account_id": _UNKNOWN, "credit_account_id": uuid4()},
    {"debit_account_id": internal_account_id(CASH, "EUR")},
    {"currency": "EUR"},
    {"currency": "EUR", "debit_account_id": internal_account_id(CASH, "EUR")},
]


@pytest.mark.parametrize("columns", WRONG_ACCOUNTS)
@pytest.mark.parametrize("route", ["save", "bulk", "ignoring conflicts", "in a list"])
def test_the_accounts_of_a_transaction_exist_in_its_currency(
    columns: dict[str, Any], route: str, account: Account
) -> None:
    make_account(currency="EUR")
    wrong, good = queued_deposit(account, **columns), queued_deposit(account)
    with refused_by_database("the accounts of a transaction must exist, in its currency"):
        if route == "save":
            insert(wrong)
        elif route == "in a list":
            Transaction.objects.bulk_create([good, wrong, queued_deposit(account)])
        else:
            Transaction.objects.bulk_create([wrong], ignore_conflicts=route != "bulk")


@pytest.mark.postgresql
@pytest.mark.parametrize("columns", [{}, *WRONG_ACCOUNTS])
def test_copy_is_guarded_too(columns: dict[str, Any], account: Account) -> None:
    make_account(currency="EUR")
    rows = [queued_deposit(account), queued_deposit(account, **columns)]
    if not columns:
        _copy(rows)
        assert Transaction.objects.count() == 2
        return
    with refused_by_database("the accounts of a transaction must exist, in its currency"):
        _copy(rows)


def _copy(rows: list[Transaction]) -> None:
    fields = Transaction._meta.concrete_fields
    names = ", ".join(field.column for field in fields)
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {JOURNAL} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            values = [field.pre_save(row, add=True) for field in fields]
            copy.write_row(
                field.get_db_prep_save(value, connection)
                for field, value in zip(fields, values, strict=True)
            )


def test_the_transaction_of_an_event_exists(event: TransactionEvent) -> None:
    with transaction.atomic():
        (row,) = ledger.lock_rows(Q(pk=event.transaction_id))
    told = partial(events.transition, event="TOLD", before=row.status, origin=ORIGIN, at=LATER)
    stranger = replace(row, id=uuid4())
    with refused_by_database("the transaction of an event must exist"):
        events.record([told(row), told(stranger)])
    events.record([told(row), told(row)])
    assert TransactionEvent.objects.filter(event="TOLD").count() == 2


def test_a_guard_of_many_rows_lets_good_ones_in(account: Account) -> None:
    rows = [queued_deposit(account) for _ in range(3)]
    Transaction.objects.bulk_create(rows)
    assert {row["id"] for row in stored(Transaction)} == {row.id for row in rows}


def test_a_queued_transaction_may_still_be_leased(account: Account) -> None:
    """The guards allow the queue's own updates."""
    row = queued_deposit(account)
    insert(row)
    row.status, row.worker, row.lease_token = "PROCESSING", "w-1", uuid4()
    row.lease_expires_at = row.created_at + timedelta(minutes=1)
    row.save()
    assert Transaction.objects.filter(worker="w-1", status="PROCESSING").count() == 1


def _key(identifier: Any) -> str:
    return identifier.hex if connection.vendor == "sqlite" else str(identifier)
