"""A control for each guard: a refused statement succeeds once that guard alone is removed.

So every guard is needed, and no test of a guard passes for another reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from accounts.commands import CloseAccount, CloseCustomer
from accounts.models import LimitRequest
from core.database import all_objects
from core.database_objects import DatabaseObject
from desk.guards import GUARDS as DESK
from jobs.guards import GUARDS as JOBS
from seals.guards import OBJECTS as SEALS
from statements.guards import GUARDS as STATEMENTS
from tests.assertions import require_control
from tests.factories import ORIGIN, deposit, make_account, make_customer, make_hold, make_note, run
from transactions.commands import Capture, Deposit, ForgetCustomer, PlaceHold, VoidHold, Withdraw
from transactions.ledger import hold_items
from transactions.ledger.processor import process_batch
from transactions.models import ArchiveRun, ArchiveSegment, Batch, Transaction, TransactionEvent
from transactions.tests.damaged_ledger import execute
from transactions.tests.queueing import queue_up, work
from transactions.verifier import Report
from transactions.verifier import records as verifications

pytestmark = pytest.mark.django_db

ACCOUNTS, JOURNAL = "accounts_account", "transactions_transaction"
ACCOUNT_EVENTS, EVENTS = "accounts_accountevent", "transactions_transactionevent"
VERIFICATIONS = "transactions_verification"
BATCHES = "transactions_batch"
LIMIT_REQUESTS = "accounts_limitrequest"
CUSTOMERS, CUSTOMER_EVENTS = "customers_customer", "customers_customerevent"
NOTES = "transactions_note"
HOLDS, CAPTURES = "transactions_hold", "transactions_holdcapture"
HOLD_EVENTS, HOLD_ITEMS = "transactions_holdevent", "transactions_holditem"
RUNS, SEGMENTS = "transactions_archiverun", "transactions_archivesegment"
# Covered by tests of two concurrent requests, of the apps themselves (`test_guards.py`), or for
# PostgreSQL's workers only.
ELSEWHERE = {
    *(guard.name for guard in (*DESK, *JOBS, *SEALS, *STATEMENTS)),
    "transactions_transaction_key_is_free",
    "accounts_account_key_is_free",
    "transactions_batch_key_is_free",
    "transactions_transaction_wakes_worker",
}


@dataclass
class World:
    """One row of every kind that a guard protects; the ids are SQL literals."""

    account: str
    empty: str
    closed: str
    completed: str
    failed: str
    pending: str


def sql_id(value: object) -> str:
    text = str(value)
    return f"'{text.replace('-', '')}'" if connection.vendor == "sqlite" else f"'{text}'"


@pytest.fixture
def world() -> World:
    account, closed = make_account(), make_account()
    run(CloseAccount(account_id=closed.id, reason="moved"))
    completed = deposit(account, 7)
    failed = run(Withdraw(account_id=account.id, amount=Decimal(9)))
    queue_up(Deposit(account_id=account.id, amount=Decimal(2)))
    assert work() == 1  # This makes events.
    now = timezone.now()
    verifications.record(Report(checked={}, findings=[]), started_at=now, finished_at=now)
    (pending,) = queue_up(Deposit(account_id=account.id, amount=Decimal(3)))
    ids = (account.id, make_account().id, closed.id, completed.id, failed.id, pending.pk)
    return World(*map(sql_id, ids))


def copied(table: str, source: str, **changed: str) -> str:
    """An INSERT of a copy of the row, with these columns changed."""
    with connection.cursor() as cursor:
        columns = [
            column.name for column in connection.introspection.get_table_description(cursor, table)
        ]
    values = [changed.get(column, column) for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM {table} WHERE id = {source}"
    )


def new_run() -> ArchiveRun:
    return ArchiveRun.objects.create(id=uuid4(), started_at=timezone.now())


def finished_run() -> str:
    run = new_run()
    execute(f"UPDATE {RUNS} SET finished_at = started_at WHERE id = {sql_id(run.pk)}")
    return f"UPDATE {RUNS} SET rows = 1 WHERE id = {sql_id(run.pk)}"


def of_segment(statement: str) -> str:
    ArchiveSegment.objects.create(
        number=1, run=new_run(), rows=1, file_start=0, file_end=1, recorded_at=timezone.now()
    )
    return statement


def of_batch(statement: str) -> str:
    Batch.objects.create(id=uuid4(), caller="job:tests", atomic=True, created_at=timezone.now())
    return statement


def of_owner(world: World) -> str:
    user = get_user_model().objects.create_user("ada")
    return f"UPDATE {ACCOUNTS} SET owner_id = {user.pk} WHERE id = {world.empty}"


def of_customer(statement: str) -> Callable[[World], str]:
    """`statement` may name the customer with a user and an account, and the world's closed one."""

    def make(world: World) -> str:
        customer = make_customer(user="ada")
        account = make_account(customer_id=customer.pk)
        other = make_customer()
        return statement.format(
            customer=sql_id(customer.pk),
            account=sql_id(account.pk),
            other=sql_id(other.pk),
            free=world.empty,
            user=get_user_model().objects.create_user("eve").pk,
        )

    return make


def unused_customer(_: World) -> str:
    """A customer without an event, so that no foreign key keeps them."""
    copy = sql_id(uuid4())
    source = sql_id(make_customer().pk)
    execute(copied(CUSTOMERS, source, id=copy, number="'1234567890'"))
    return f"DELETE FROM {CUSTOMERS} WHERE id = {copy}"


def of_forgotten(_: World) -> str:
    customer = make_customer()
    run(CloseCustomer(customer_id=customer.pk))
    run(ForgetCustomer(customer_id=customer.pk))
    return f"UPDATE {CUSTOMERS} SET updated_at = created_at WHERE id = {sql_id(customer.pk)}"


def of_note(statement: str) -> Callable[[World], str]:
    """`statement` changes a note about an account without a customer."""

    def make(_: World) -> str:
        make_note(account_id=make_account().pk)
        return statement

    return make


def note_on_forgotten(world: World) -> str:
    of_forgotten(world)
    make_note(account_id=make_account().pk)
    customer = f"(SELECT id FROM {CUSTOMERS} WHERE status = 'FORGOTTEN')"
    source = f"(SELECT id FROM {NOTES} LIMIT 1)"
    return copied(NOTES, source, id=sql_id(uuid4()), account_id="NULL", customer_id=customer)


def born_with_customer(world: World) -> str:
    customer = sql_id(make_customer(user="ada").pk)
    number = "'123456789012'"
    return copied(ACCOUNTS, world.empty, id=sql_id(uuid4()), number=number, customer_id=customer)


def of_hold(statement: str) -> Callable[[World], str]:
    """`statement` may name an account of 9.00, and its holds: 5.00, of which 2.00 are captured."""

    def make(_: World) -> str:
        account = make_account(balance=9)
        hold = make_hold(account, 5)
        run(Capture(hold_id=hold.pk, amount=Decimal(2)))
        return statement.format(account=sql_id(account.pk), hold=sql_id(hold.pk))

    return make


def of_item(statement: str) -> Callable[[World], str]:
    """`statement` changes the items of a batch that has placed a hold."""

    def make(_: World) -> str:
        placed = PlaceHold(account_id=make_account(balance=9).pk, amount=Decimal(5))
        process_batch(Batch(atomic=False), [placed], ORIGIN, book=hold_items.book)
        return statement

    return make


def born_captured(_: World) -> str:
    source = sql_id(make_hold(make_account(balance=9), 5).pk)
    key = {"idempotency_key": "NULL"}
    return copied(HOLDS, source, id=sql_id(uuid4()), captured="1", **key)


def foreign_hold(_: World) -> str:
    source = sql_id(make_hold(make_account(balance=9), 5).pk)
    return copied(HOLDS, source, id=sql_id(uuid4()), currency="'EUR'")


def ended_hold(_: World) -> str:
    hold = make_hold(make_account(balance=9), 5)
    run(VoidHold(hold_id=hold.pk))
    return f"UPDATE {HOLDS} SET end_reason = 'x' WHERE id = {sql_id(hold.pk)}"


def uncaptured_hold(_: World) -> str:
    """A hold without a capture or an event, so that no foreign key keeps it."""
    source, bare = sql_id(make_hold(make_account(balance=9), 5).pk), sql_id(uuid4())
    # Of an account whose `held` nobody has changed: a guard would compare the two.
    execute(copied(HOLDS, source, id=bare, account_id=sql_id(make_account().pk)))
    return f"DELETE FROM {HOLDS} WHERE id = {bare}"


def of_request(statement: str) -> str:
    LimitRequest.objects.create(
        id=uuid4(),
        account=make_account(),
        overdraft_limit=Decimal(9),
        limit_before=Decimal(0),
        reason="asked",
        created_at=timezone.now(),
    )
    return statement


def decided_at_birth(world: World) -> str:
    source = f"(SELECT id FROM {LIMIT_REQUESTS} LIMIT 1)"
    of_request("")
    changed = {"status": "'REJECTED'", "decided_at": "created_at", "account_id": world.empty}
    return copied(LIMIT_REQUESTS, source, id=sql_id(uuid4()), **changed)


def archived(world: World) -> str:
    run_id = sql_id(new_run().pk)
    execute(
        f"UPDATE {JOURNAL} SET archived_at = created_at, archive_run_id = {run_id}"
        f" WHERE id = {world.completed}"
    )
    return f"UPDATE {JOURNAL} SET archived_at = '2026-01-02 03:04:05' WHERE id = {world.completed}"


def unused_account(world: World) -> str:
    """An account without references, so that no foreign key keeps it."""
    account_id = sql_id(uuid4())
    execute(copied(ACCOUNTS, world.empty, id=account_id, number="'123456789012'"))
    return f"DELETE FROM {ACCOUNTS} WHERE id = {account_id}"


def new(world: World, **changed: str) -> str:
    return copied(JOURNAL, world.pending, id=sql_id(uuid4()), **changed)


FORBIDDEN: dict[str, Callable[[World], str]] = {
    "accounts_account_no_delete": unused_account,
    "accounts_account_birth": lambda w: copied(
        ACCOUNTS, w.account, id=sql_id(uuid4()), number="'123456789012'"
    ),
    "accounts_account_identity": lambda w: (
        f"UPDATE {ACCOUNTS} SET currency = 'EUR' WHERE id = {w.empty}"
    ),
    "accounts_account_balance": lambda w: (
        f"UPDATE {ACCOUNTS} SET balance = balance + 1 WHERE id = {w.account}"
    ),
    "accounts_account_closed": lambda w: (
        f"UPDATE {ACCOUNTS} SET status = 'ACTIVE' WHERE id = {w.closed}"
    ),
    "accounts_account_owner": of_owner,
    "accounts_account_keeps_customer": of_customer(
        f"UPDATE {ACCOUNTS} SET customer_id = NULL WHERE id = {{account}}"
    ),
    "accounts_account_customer_insert": born_with_customer,
    "accounts_account_customer_update": of_customer(
        f"UPDATE {ACCOUNTS} SET customer_id = {{customer}} WHERE id = {{free}}"
    ),
    f"{CUSTOMERS}_no_delete": unused_customer,
    f"{CUSTOMERS}_identity": of_customer(
        f"UPDATE {CUSTOMERS} SET number = '1234567890' WHERE id = {{customer}}"
    ),
    f"{CUSTOMERS}_user": of_customer(
        f"UPDATE {CUSTOMERS} SET user_id = {{user}} WHERE id = {{customer}}"
    ),
    f"{CUSTOMERS}_forgotten": of_forgotten,
    f"{CUSTOMER_EVENTS}_no_delete": of_customer(f"DELETE FROM {CUSTOMER_EVENTS}"),
    f"{CUSTOMER_EVENTS}_no_update": of_customer(f"UPDATE {CUSTOMER_EVENTS} SET reason = 'x'"),
    f"{NOTES}_no_delete": of_note(f"DELETE FROM {NOTES}"),
    f"{NOTES}_no_update": of_note(f"UPDATE {NOTES} SET text = 'other'"),
    f"{NOTES}_emptied": of_note(f"UPDATE {NOTES} SET text = ''"),
    f"{NOTES}_written": note_on_forgotten,
    f"{HOLDS}_no_delete": uncaptured_hold,
    "transactions_hold_birth": born_captured,
    "transactions_hold_accounts": foreign_hold,
    "transactions_hold_identity": of_hold(f"UPDATE {HOLDS} SET amount = 60000 WHERE id = {{hold}}"),
    "transactions_hold_final": ended_hold,
    f"{CAPTURES}_no_delete": of_hold(f"DELETE FROM {CAPTURES}"),
    f"{CAPTURES}_no_update": of_hold(f"UPDATE {CAPTURES} SET final = NOT final"),
    f"{HOLD_EVENTS}_no_delete": of_hold(f"DELETE FROM {HOLD_EVENTS}"),
    f"{HOLD_EVENTS}_no_update": of_hold(f"UPDATE {HOLD_EVENTS} SET status = 'OPEN'"),
    f"{HOLD_ITEMS}_no_delete": of_item(f"DELETE FROM {HOLD_ITEMS}"),
    f"{HOLD_ITEMS}_no_update": of_item(f"UPDATE {HOLD_ITEMS} SET failure_detail = 'x'"),
    "accounts_account_born_unheld": lambda w: copied(
        ACCOUNTS, w.empty, id=sql_id(uuid4()), number="'123456789012'", held="1"
    ),
    # What code that knows no holds would do: it pays 7.00 of which 3.00 are held.
    "accounts_account_holds_covered": of_hold(
        f"UPDATE {ACCOUNTS} SET balance = 0, last_sequence = last_sequence + 1"
        " WHERE id = {account}"
    ),
    "accounts_account_held_is_sum": of_hold(
        f"UPDATE {ACCOUNTS} SET held = held - 1 WHERE id = {{account}}"
    ),
    "accounts_account_limit": lambda w: (
        f"UPDATE {ACCOUNTS} SET overdraft_limit = 10000 WHERE id = {w.empty}"
    ),
    f"{LIMIT_REQUESTS}_no_delete": lambda _: of_request(f"DELETE FROM {LIMIT_REQUESTS}"),
    f"{LIMIT_REQUESTS}_birth": decided_at_birth,
    f"{LIMIT_REQUESTS}_keeps_limits": lambda _: of_request(
        f"""UPDATE {LIMIT_REQUESTS} SET limits = '{{"after": 7}}'"""
    ),
    f"{LIMIT_REQUESTS}_decided": lambda _: of_request(f"UPDATE {LIMIT_REQUESTS} SET reason = 'x'"),
    "accounts_accountevent_no_delete": lambda w: (
        f"DELETE FROM {ACCOUNT_EVENTS} WHERE account_id = {w.closed}"
    ),
    "accounts_accountevent_no_update": lambda w: (
        f"UPDATE {ACCOUNT_EVENTS} SET reason = 'x' WHERE account_id = {w.closed}"
    ),
    "transactions_transaction_accounts_exist": lambda w: new(w, credit_account_id=sql_id(uuid4())),
    "transactions_transaction_no_delete": lambda w: f"DELETE FROM {JOURNAL} WHERE id = {w.pending}",
    "transactions_transaction_birth": lambda w: new(w, status="'PROCESSING'"),
    "transactions_transaction_identity": lambda w: (
        f"UPDATE {JOURNAL} SET amount = amount + 1 WHERE id = {w.pending}"
    ),
    "transactions_transaction_origin": lambda w: (
        f"UPDATE {JOURNAL} SET request_id = 'other' WHERE id = {w.pending}"
    ),
    "transactions_transaction_transition": lambda w: (
        f"UPDATE {JOURNAL} SET status = 'PROCESSING', failure_code = '', failure_detail = ''"
        f" WHERE id = {w.failed}"
    ),
    "transactions_transaction_final": lambda w: (
        f"UPDATE {JOURNAL} SET worker = 'x' WHERE id = {w.completed}"
    ),
    "transactions_transaction_archive_mark": archived,
    "transactions_transactionevent_of_transaction": lambda _: copied(
        EVENTS,
        f"(SELECT id FROM {EVENTS} LIMIT 1)",
        id=sql_id(uuid4()),
        transaction_id=sql_id(uuid4()),
    ),
    "transactions_transactionevent_no_delete": lambda _: f"DELETE FROM {EVENTS}",
    "transactions_transactionevent_no_update": lambda _: f"UPDATE {EVENTS} SET reason = 'x'",
    "transactions_verification_no_delete": lambda _: f"DELETE FROM {VERIFICATIONS}",
    "transactions_verification_no_update": lambda _: (
        f"UPDATE {VERIFICATIONS} SET is_sound = NOT is_sound"
    ),
    f"{BATCHES}_no_delete": lambda _: of_batch(f"DELETE FROM {BATCHES}"),
    f"{BATCHES}_no_update": lambda _: of_batch(f"UPDATE {BATCHES} SET refused_index = 0"),
    f"{RUNS}_no_delete": lambda _: f"DELETE FROM {RUNS} WHERE id = {sql_id(new_run().pk)}",
    f"{RUNS}_final": lambda _: finished_run(),
    f"{SEGMENTS}_no_delete": lambda _: of_segment(f"DELETE FROM {SEGMENTS}"),
    f"{SEGMENTS}_no_update": lambda _: of_segment(f"UPDATE {SEGMENTS} SET rows = 2"),
    **{
        f"{table}_no_truncate": lambda _, table=table: f"TRUNCATE {table} CASCADE"
        for table in (
            ACCOUNT_EVENTS,
            CUSTOMER_EVENTS,
            LIMIT_REQUESTS,
            EVENTS,
            VERIFICATIONS,
            SEGMENTS,
            NOTES,
            CAPTURES,
            HOLD_EVENTS,
            HOLD_ITEMS,
        )
    },
}
# A CASCADE from these also meets the guards of the tables that refer to them.
SHARED = {f"{table}_no_truncate" for table in (ACCOUNTS, BATCHES, CUSTOMERS, HOLDS, JOURNAL, RUNS)}


def guards() -> list[DatabaseObject]:
    return [item for item in all_objects(connection.vendor) if item.kind == "trigger"]


def test_every_guard_has_its_control() -> None:
    names = {item.name for item in guards()} - ELSEWHERE - SHARED
    assert names == {name for name in FORBIDDEN if name in names}
    assert len(names) >= 16
    assert TransactionEvent.objects.count() == Transaction.objects.count() == 0


@pytest.mark.parametrize("name", FORBIDDEN)
def test_without_its_guard_it_goes_through(name: str, world: World) -> None:
    guard = {item.name: item for item in guards()}.get(name)
    if guard is None:
        pytest.skip(f"{connection.vendor} has no TRUNCATE")
    statement = FORBIDDEN[name](world)
    connection.check_constraints()  # PostgreSQL truncates no table with pending checks.
    require_control(guard, lambda: execute(statement))
