"""Leases, fencing, poison and wake-up. Processes and signals: test_process_transactions.py."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import DataError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.locks import lock_accounts
from accounts.models import Account
from core.errors import ProcessingError
from core.leases import extended
from tests.assertions import nothing_changes, stored
from tests.factories import make_account, run
from transactions.commands import Retry, Transfer, Withdraw
from transactions.guards.journal import QUEUE_CHANNEL
from transactions.ledger import execution
from transactions.ledger.execution import check
from transactions.ledger.processor import process_claimed
from transactions.models import Transaction
from transactions.queue import waiting as queue
from transactions.queue import worker
from transactions.queue.worker import Worker
from transactions.states import TransactionStatus
from transactions.tests.queueing import WORKER, claimed, history, outcome, queue_up, verbs, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)
WAIT_SECONDS = 120

STARTED = ("STARTED", "PENDING", "PROCESSING", 1)
COMPLETED = ("COMPLETED", "PROCESSING", "COMPLETED", 1)


def withdrawals(account: Account, *amounts: int) -> list[Transaction]:
    commands = [Withdraw(account_id=account.id, amount=Decimal(amount)) for amount in amounts]
    return queue_up(*commands)


def until(condition: Callable[[], Any]) -> None:
    """Waits until the condition holds, which must be soon."""
    pause = threading.Event()
    for _ in range(WAIT_SECONDS * 50):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("It should have come true.")


# A claim and its outcome. -------------------------------------------------------------------------


def test_what_is_queued_is_completed_and_the_events_tell_how() -> None:
    source, target = make_account(balance=30), make_account(balance=4)
    transfer = Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(12))
    (row,) = queue_up(transfer)
    taker = Worker(once=True)
    assert taker.run() == 1
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.status, kept.attempts, kept.worker) == ("COMPLETED", 1, taker.name)
    assert (kept.debit_balance_after, kept.credit_balance_after) == (18, 16)
    assert (kept.debit_sequence, kept.credit_sequence) == (2, 2)
    assert kept.lease_token is kept.lease_expires_at is None
    assert history(row) == [STARTED, COMPLETED]
    for event in kept.events.all():
        assert (event.actor, event.caller, event.detail) == (None, f"worker:{taker.name}", {})
    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.balance, target.balance) == (18, 16)
    with nothing_changes():
        assert work() == 0


def test_a_claim_costs_the_same_for_one_and_for_a_hundred() -> None:
    account = make_account(balance=6000)

    def statements(count: int) -> list[list[str]]:
        withdrawals(account, *range(1, count + 1))
        with CaptureQueriesContext(connection) as claiming:
            lease = queue.claim("test", WORKER, batch_size=500).lease
        with CaptureQueriesContext(connection) as posting:
            assert len(process_claimed(lease, WORKER)) == count
        return [counted(claiming), counted(posting)]

    def counted(statements: CaptureQueriesContext) -> list[str]:
        # Django splits a long INSERT on SQLite.
        long = connection.vendor == "sqlite"
        return [verb for verb in verbs(statements) if not (long and verb == "INSERT")]

    assert statements(1) == statements(100)


def test_what_is_refused_in_a_claim_stops_nothing() -> None:
    account = make_account(balance=10)
    rows = withdrawals(account, 7, 4, 3)
    assert work() == 3
    assert [outcome(row) for row in rows] == [
        ("COMPLETED", ""),
        ("FAILED", "insufficient_funds"),
        ("COMPLETED", ""),
    ]
    assert history(rows[1]) == [STARTED, ("FAILED", "PROCESSING", "FAILED", 1)]
    event = Transaction.objects.get(pk=rows[1].id).events.get(event="FAILED")
    assert event.detail == {
        "failure_code": "insufficient_funds",
        "failure_detail": "3.00 USD available, 4.00 USD needed.",
    }


# Leases. ------------------------------------------------------------------------------------------


def test_a_worker_whose_lease_was_taken_away_does_nothing(settings) -> None:
    settings.WORKER_LEASE_SECONDS = 60
    account = make_account(balance=30)
    with time_machine.travel(NOW, tick=False):
        (row,) = withdrawals(account, 7)
        zombie = queue.claim("zombie", WORKER, batch_size=5).lease
    with time_machine.travel(NOW + timedelta(seconds=60), tick=False), nothing_changes():
        assert queue.reap(WORKER) == 0
    with time_machine.travel(NOW + timedelta(seconds=60, microseconds=1), tick=False):
        assert queue.reap(WORKER) == 1
        assert outcome(row) == ("PENDING", "")
        assert_harmless(zombie, row)
        heir = queue.claim("heir", WORKER, batch_size=5)
        assert heir.transaction_ids == [row.id]
        assert_harmless(zombie, row)
        assert [each.status for each in process_claimed(heir.lease, WORKER)] == ["COMPLETED"]
        assert_harmless(zombie, row)
    assert history(row) == [
        STARTED,
        ("LEASE_LOST", "PROCESSING", "PENDING", 1),
        ("STARTED", "PENDING", "PROCESSING", 2),
        ("COMPLETED", "PROCESSING", "COMPLETED", 2),
    ]
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (23, 2)


def assert_harmless(lease: Any, row: Transaction) -> None:
    """The holder of an old lease cannot change anything."""
    with nothing_changes():
        assert process_claimed(lease, WORKER) == []
        assert process_claimed(lease, WORKER, only=row.id) == []
        assert queue.release(lease, WORKER) == 0
        queue.extend(lease)
        queue.fail(lease, row.id, ProcessingError(), WORKER, reason="none")


def test_a_heartbeat_extends_the_lease(settings) -> None:
    settings.WORKER_LEASE_SECONDS = 60
    with time_machine.travel(NOW, tick=False):
        (row,) = withdrawals(make_account(balance=30), 7)
        lease = queue.claim("slow", WORKER, batch_size=5).lease
    with time_machine.travel(NOW + timedelta(seconds=50), tick=False):
        queue.extend(lease)
    with time_machine.travel(NOW + timedelta(seconds=110), tick=False):
        assert queue.reap(WORKER) == 0
        assert [each.id for each in process_claimed(lease, WORKER)] == [row.id]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_at_it_beats(settings) -> None:
    (row,) = withdrawals(make_account(balance=30), 7)
    lease = queue.claim("slow", WORKER, batch_size=5).lease
    before = Transaction.objects.get(pk=row.id).lease_expires_at
    assert before is not None
    settings.WORKER_LEASE_SECONDS = 0.3
    threads = set(threading.enumerate())
    with extended(partial(queue.extend, lease)):
        until(lambda: Transaction.objects.get(pk=row.id).lease_expires_at != before)
    assert set(threading.enumerate()) <= threads
    assert queue.release(lease, WORKER) == 1


def test_a_command_that_kills_workers_fails_in_the_end(settings) -> None:
    account = make_account(balance=30)
    killer, neighbour = withdrawals(account, 7, 3)
    for attempt in range(1, queue.MAX_ATTEMPTS + 1):
        with time_machine.travel(NOW + timedelta(hours=attempt), tick=False):
            assert claimed(batch_size=1) == [killer.id]
        with time_machine.travel(NOW + timedelta(hours=attempt, minutes=30), tick=False):
            assert queue.reap(WORKER) == 1
    assert outcome(killer) == ("FAILED", "processing_error")
    assert history(killer)[-1] == ("LEASE_LOST", "PROCESSING", "FAILED", 5)
    assert len(history(killer)) == 10
    kept = Transaction.objects.get(pk=killer.id)
    assert kept.failure_detail == "Given up after 5 attempts."
    assert work() == 1
    assert outcome(neighbour) == ("COMPLETED", "")
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert run(Retry(transaction_id=killer.id, reason="mended")).status == "COMPLETED"


def test_a_released_claim_does_not_count_as_an_attempt() -> None:
    (row,) = withdrawals(make_account(balance=30), 7)
    for _ in range(queue.MAX_ATTEMPTS + 1):
        assert queue.release(queue.claim("busy", WORKER, batch_size=5).lease, WORKER) == 1
    assert outcome(row) == ("PENDING", "")
    assert history(row)[:3] == [STARTED, ("RELEASED", "PROCESSING", "PENDING", 1), STARTED]
    assert work() == 1
    assert Transaction.objects.get(pk=row.id).attempts == 1


# Poison, contention, a database that is away. -----------------------------------------------------


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("secret\0 column"), DataError("secret\0 column")]
)
def test_a_poison_command_fails_and_harms_no_neighbour(monkeypatch, caplog, error) -> None:
    account, other = make_account(balance=30), make_account(balance=30)
    before, poison, after = withdrawals(account, 2, 13, 3)
    (elsewhere,) = withdrawals(other, 5)
    failing(monkeypatch, error)
    with caplog.at_level(logging.CRITICAL, worker.__name__):
        assert work() == 4
    assert outcome(poison) == ("FAILED", "processing_error")
    assert [outcome(row) for row in (before, after, elsewhere)] == [("COMPLETED", "")] * 3
    kept = Transaction.objects.get(pk=poison.id)
    # The error may reveal internals of the bank: it is for staff.
    assert kept.failure_detail == "The transaction could not be processed."
    event = kept.events.get(event="FAILED")
    assert event.reason == f"{type(error).__name__}: secret column"
    assert (event.from_status, event.to_status, event.attempt) == ("PROCESSING", "FAILED", 1)
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (25, 3)
    monkeypatch.undo()
    assert run(Retry(transaction_id=poison.id, reason="mended")).status == "COMPLETED"


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    """Makes the check of a posting of 13 raise the error. Returns a list with an item for each."""
    times: list[int] = []

    def broken(posting: Any, accounts: Any, **rules: Any) -> None:
        if posting.amount == 130_000:
            times.append(1)
            raise error
        check(posting, accounts, **rules)

    monkeypatch.setattr(execution, "check", broken)
    return times


def test_a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(monkeypatch) -> None:
    rows = withdrawals(make_account(balance=30), 1, 13, 2)
    taker = Worker(once=True)
    times: list[int] = []

    def stopping(posting: Any, accounts: Any, **rules: Any) -> None:
        if posting.amount == 130_000:
            times.append(1)
            taker.stop()
            raise ZeroDivisionError
        check(posting, accounts, **rules)

    monkeypatch.setattr(execution, "check", stopping)
    assert taker.run() == 0
    assert len(times) == 1
    assert {outcome(row) for row in rows} == {("PENDING", "")}
    assert history(rows[0]) == [STARTED, ("RELEASED", "PROCESSING", "PENDING", 1)]


@pytest.mark.django_db(transaction=True)
def test_after_the_database_was_away_a_worker_gives_back_and_goes_on(monkeypatch, caplog) -> None:
    (row,) = withdrawals(make_account(balance=30), 13)
    times: list[int] = []

    def away_once(posting: Any, accounts: Any, **rules: Any) -> None:
        times.append(1)
        if len(times) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        check(posting, accounts, **rules)

    monkeypatch.setattr(execution, "check", away_once)
    with caplog.at_level(logging.CRITICAL, worker.__name__):
        assert work() == 1
    assert len(times) == 2
    assert outcome(row) == ("COMPLETED", "")
    assert [step[0] for step in history(row)] == ["STARTED", "RELEASED", "STARTED", "COMPLETED"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_busy_account_is_given_back_and_tried_again(caplog) -> None:
    account = make_account(balance=30)
    (row,) = withdrawals(account, 7)
    began = threading.Event()

    def rival() -> None:
        try:
            with transaction.atomic():
                lock_accounts([account.id])
                began.set()
                until(Transaction.objects.filter(events__event="RELEASED").exists)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(rival)
        assert began.wait(WAIT_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with caplog.at_level(logging.CRITICAL, worker.__name__):
            assert work() == 1
        future.result()
    connection.close()
    assert outcome(row) == ("COMPLETED", "")
    assert history(row)[:3] == [STARTED, ("RELEASED", "PROCESSING", "PENDING", 1), STARTED]
    assert history(row)[-1] == COMPLETED


def test_back_off_grows_to_a_bound_and_ends_with_the_worker(monkeypatch) -> None:
    slept: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(worker.time, "sleep", sleep)
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    tired = Worker()
    waits = []
    for _ in range(8):
        began = clock[0]
        tired._back_off()
        waits.append(round(clock[0] - began, 3))
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert max(slept) <= 0.1
    tired.stop()
    began = clock[0]
    tired._back_off()
    assert clock[0] == began


# Waking up. ---------------------------------------------------------------------------------------


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_sleeping_worker_is_woken_by_what_is_queued(monkeypatch, settings) -> None:
    """By itself it would look only after ten minutes."""
    monkeypatch.setattr(worker, "_POLL_SECONDS", 600.0)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}
    account = make_account(balance=30)
    sleeper = Worker()

    def live() -> int:
        try:
            return sleeper.run()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(live)
        try:
            until(lambda: sleeper._listening is not None)
            (row,) = withdrawals(account, 7)
            until(lambda: outcome(row) == ("COMPLETED", ""))
            (refused,) = withdrawals(account, 24)
            until(lambda: outcome(refused) == ("FAILED", "insufficient_funds"))
            run(Retry(transaction_id=refused.id, reason="again", queued=True))
            until(lambda: len(history(refused)) == 5)
        finally:
            sleeper.stop()
            wake()
        assert future.result(WAIT_SECONDS) == 3


def wake() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {QUEUE_CHANNEL}")


# Events. ------------------------------------------------------------------------------------------


def test_events_keep_their_order_when_the_clock_steps_back() -> None:
    with time_machine.travel(NOW - timedelta(hours=9), tick=False):
        (row,) = withdrawals(make_account(balance=30), 7)
    moments = [NOW - timedelta(hours=number) for number in range(3)]
    for moment in moments:
        with time_machine.travel(moment, tick=False):
            queue.release(queue.claim("test", WORKER, batch_size=1).lease, WORKER)
    with time_machine.travel(NOW - timedelta(hours=5), tick=False):
        assert work() == 1
    events = list(Transaction.objects.get(pk=row.id).events.order_by("id"))
    assert [event.event for event in events] == ["STARTED", "RELEASED"] * 3 + [
        "STARTED",
        "COMPLETED",
    ]
    times = [event.at for event in events]
    assert times == sorted(set(times))
    assert times[0] > row.created_at
    assert Transaction.objects.get(pk=row.id).updated_at == times[-1]


def test_a_token_that_nobody_holds_holds_nothing() -> None:
    withdrawals(make_account(balance=30), 7)
    before = stored(Transaction)
    assert process_claimed(uuid4(), WORKER) == []
    assert stored(Transaction) == before
    assert before[-1]["status"] == TransactionStatus.PENDING
