"""Concurrent writers on real threads and processes, and the race without the lock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts import locks
from accounts.locks import lock_accounts
from accounts.models import Account
from core import contention
from core.database import create_objects, missing_objects
from core.errors import Busy
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Transfer, Withdraw
from transactions.ledger import processor
from transactions.models import Entry, Transaction

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 120


def in_thread(pool: ThreadPoolExecutor, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Runs the work on its own connection, which is closed afterwards."""

    def task() -> Any:
        try:
            return work(*arguments)
        finally:
            connections.close_all()

    return pool.submit(task)


def assert_ledger_is_right(total: Decimal | int) -> None:
    """Asserts gapless sequences, consistent balances, and an unchanged total of money."""
    held = Decimal(0)
    for account in Account.objects.filter(kind="CUSTOMER"):
        lines = list(Entry.objects.filter(account=account, sequence__gt=0).order_by("sequence"))
        assert [line.sequence for line in lines] == list(range(1, account.last_sequence + 1))
        balance = Decimal(0)
        for line in lines:
            balance += line.amount
            assert line.balance_after == balance
        assert account.balance == balance
        held += balance
    assert held == total
    assert sum(line.amount for line in Entry.objects.all()) == 0


# Last coin, opposite transfers. -------------------------------------------------------------------


@pytest.mark.postgresql
def test_the_last_coin_is_paid_out_once() -> None:
    account = make_account(balance=100)
    command = Withdraw(account_id=account.id, amount=Decimal(10))
    with ThreadPoolExecutor(16) as pool:
        rows = [future.result() for future in [in_thread(pool, run, command) for _ in range(64)]]
    outcomes = [row.status for row in rows]
    assert (outcomes.count("COMPLETED"), outcomes.count("FAILED")) == (10, 54)
    assert {row.failure_code for row in rows} == {"", "insufficient_funds"}
    assert sorted(row.debit_balance_after for row in rows if row.debit_sequence) == [
        units * 10_000 for units in range(0, 100, 10)
    ]
    assert Transaction.objects.filter(type="WITHDRAW", status="FAILED").count() == 54
    assert_ledger_is_right(0)


@pytest.mark.postgresql
def test_opposite_transfers_never_wait_for_each_other() -> None:
    one, other = make_account(balance=500), make_account(balance=300)
    there = Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal(7))
    back = Transfer(account_id=other.id, target_account_id=one.id, amount=Decimal(3))
    deadlocks = server_counter("deadlocks")
    with ThreadPoolExecutor(8) as pool:
        futures = [in_thread(pool, run, command) for _ in range(20) for command in (there, back)]
        assert [future.result().status for future in futures] == ["COMPLETED"] * 40
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.balance, other.balance) == (500 - 140 + 60, 300 + 140 - 60)
    assert_ledger_is_right(800)
    assert server_counter("deadlocks") == deadlocks


def server_counter(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(f"SELECT {name} FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)


@pytest.mark.postgresql
def test_a_rival_that_locks_in_reverse_order_costs_a_retry_and_no_error() -> None:
    low, high = sorted([make_account(balance=50), make_account()], key=lambda item: item.id)
    source = low if low.balance else high
    target = high if source is low else low
    command = Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(20))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_accounts([high.id])
            future = in_thread(pool, run, command)
            wait_until_blocked(1)
            # The transfer holds the lower one. PostgreSQL cancels its wait, and not this one: for a
            # deadlock, or because it lasts too long on a slow machine.
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '1min'")
                cursor.execute("SET LOCAL lock_timeout = '1min'")
            lock_accounts([low.id])
        row = future.result()
    assert row.status == "COMPLETED"
    assert_ledger_is_right(50)


def wait_until_blocked(sessions: int) -> None:
    """Returns when this many sessions of this database wait for a lock."""
    pause = threading.Event()
    for _ in range(WAIT_SECONDS * 100):
        with connection.cursor() as cursor:
            # Within a transaction the view would keep its first contents.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND cardinality(pg_blocking_pids(pid)) > 0"
            )
            if cursor.fetchone() == (sessions,):
                return
        pause.wait(0.01)
    raise AssertionError(f"{sessions} sessions should wait for a lock.")


# Different accounts in parallel. ------------------------------------------------------------------


@pytest.mark.postgresql
def test_only_the_same_account_waits() -> None:
    held, free = make_account(balance=5), make_account(balance=7)
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            lock_accounts([held.id])
            waiting = in_thread(pool, deposit, held, 20)
            wait_until_blocked(1)
            # While one deposit waits, another one runs from beginning to end.
            row = in_thread(pool, deposit, free, 30).result(WAIT_SECONDS)
            assert (row.status, row.credit_balance_after) == ("COMPLETED", 370_000)
            assert not waiting.done()
            # Rows that refer to the account need not wait either: the lock is NO KEY UPDATE.
            assert in_thread(pool, held.events.count).result(WAIT_SECONDS) == 1
        assert waiting.result(WAIT_SECONDS).credit_balance_after == 250_000
    assert_ledger_is_right(62)


# The control: without the lock the race exists, and the database stops it. ------------------------


@contextmanager
def no_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        unlocked = locks._SELECT_FOR_UPDATE.replace(" FOR NO KEY UPDATE", "")
        assert unlocked != locks._SELECT_FOR_UPDATE
        patch.setattr(locks, "_SELECT_FOR_UPDATE", unlocked)
        yield


@pytest.mark.postgresql
def test_without_the_lock_two_withdrawals_see_the_same_coin(monkeypatch) -> None:
    """Both read 100 and sequence 1. The unique index of the sequence lets only one through."""
    account = make_account(balance=100)
    command = Withdraw(account_id=account.id, amount=Decimal(70))
    both_have_read = threading.Barrier(2, timeout=WAIT_SECONDS)

    def read_and_meet(account_ids: Any) -> Any:
        locked = lock_accounts(account_ids)
        both_have_read.wait()
        return locked

    monkeypatch.setattr(processor, "lock_accounts", read_and_meet)
    with no_locks(monkeypatch), ThreadPoolExecutor(2) as pool:
        futures = [in_thread(pool, run, command) for _ in range(2)]
        errors = [future.exception() for future in futures]
    assert sorted(type(error) for error in errors if error) == [IntegrityError]
    assert "transaction_debit_sequence_unique" in str(next(error for error in errors if error))
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (30, 2)


@pytest.mark.postgresql
def test_with_the_lock_they_cannot_both_have_read(monkeypatch) -> None:
    """The same meeting point as in the control: only one at a time can reach it."""
    account = make_account(balance=100)
    command = Withdraw(account_id=account.id, amount=Decimal(70))
    both_have_read = threading.Barrier(2, timeout=0.5)
    met = []

    def read_and_meet(account_ids: Any) -> Any:
        locked = lock_accounts(account_ids)
        try:
            both_have_read.wait()
        except threading.BrokenBarrierError:
            met.append(False)
        else:
            met.append(True)
        return locked

    monkeypatch.setattr(processor, "lock_accounts", read_and_meet)
    with ThreadPoolExecutor(2) as pool:
        rows = [future.result() for future in [in_thread(pool, run, command) for _ in range(2)]]
    assert met == [False, False]
    assert sorted(row.failure_code for row in rows) == ["", "insufficient_funds"]
    assert_ledger_is_right(30)


# Busy. --------------------------------------------------------------------------------------------


def test_a_long_wait_for_a_lock_ends_with_busy(monkeypatch) -> None:
    account = make_account(balance=5)
    monkeypatch.setattr(contention, "_BACKOFF_SECONDS", 0.001)
    with ThreadPoolExecutor(1) as pool, nothing_changes(), transaction.atomic():
        lock_accounts([account.id])
        future = in_thread(pool, impatient_deposit, account)
        error = future.exception(WAIT_SECONDS)
    assert type(error) is Busy
    assert error.kind.retryable
    assert deposit(account, 20).credit_balance_after == 250_000


def impatient_deposit(account: Account) -> Any:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout=20")
        else:
            cursor.execute("SET lock_timeout = '20ms'")
    return deposit(account, 20)


# Guards are restored while money moves. -----------------------------------------------------------


@pytest.mark.postgresql
def test_guards_come_back_under_load_and_nobody_is_called_off() -> None:
    accounts = [make_account(balance=100 + index) for index in range(3)]
    deadlocks = server_counter("deadlocks")
    stop = threading.Event()

    def load(index: int) -> int:
        source, target = accounts[index], accounts[(index + 1) % 3]
        done = 0
        while not stop.is_set():
            run(Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(1)))
            list(Transaction.objects.select_related("debit_account", "credit_account")[:5])
            done += 1
        return done

    with ThreadPoolExecutor(3) as pool:
        futures = [in_thread(pool, load, index) for index in range(3)]
        try:
            for _ in range(5):
                with connection.cursor() as cursor:
                    cursor.execute(
                        "COMMENT ON TRIGGER accounts_account_closed ON accounts_account IS NULL"
                    )
                    cursor.execute(
                        "COMMENT ON TRIGGER transactions_transaction_final"
                        " ON transactions_transaction IS NULL"
                    )
                create_objects(connection)
        finally:
            stop.set()
        assert all(future.result(WAIT_SECONDS) > 0 for future in futures)
    assert missing_objects(connection) == []
    assert server_counter("deadlocks") == deadlocks
    assert_ledger_is_right(303)
