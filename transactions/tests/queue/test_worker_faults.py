"""Subtle worker faults: whose lease, which order, who waits for whom."""

import logging
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from bankproject import gunicorn_conf
from bankproject.queue_worker import QueueWorker
from core import database_errors
from tests.factories import make_account
from transactions.commands import Withdraw
from transactions.ledger import execution
from transactions.ledger.execution import check
from transactions.models import Transaction
from transactions.queue import supervisor, worker
from transactions.queue import waiting as queue
from transactions.queue.worker import Worker
from transactions.tests.queueing import WORKER, claimed, history, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    close_at = connection.close_at
    yield
    database_errors.forget_trouble()
    connection.close_at = close_at


def withdrawal(amount: int = 7, **fields: Any) -> Transaction:
    """A queued withdrawal from an account of its own."""
    account = make_account(balance=30)
    (row,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(amount), **fields))
    return row


def expires_at(row: Transaction) -> Any:
    return Transaction.objects.get(pk=row.pk).lease_expires_at


def end_lease(row: Transaction) -> None:
    Transaction.objects.filter(pk=row.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )


# Leases and their heartbeat. ----------------------------------------------------------------------


def test_a_heartbeat_extends_its_own_lease_and_no_other() -> None:
    row, lease = withdrawal(), queue.claim("mine", WORKER, batch_size=5).lease
    other, _ = withdrawal(), queue.claim("other", WORKER, batch_size=5)
    before = expires_at(row), expires_at(other)
    queue.extend(lease)
    assert expires_at(row) > before[0]
    assert expires_at(other) == before[1]


def test_a_worker_that_serves_takes_back_what_lost_hosts_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not only at its start, but as long as it runs."""
    clock = [0.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    serving = Worker()
    for _ in range(3):
        row = withdrawal()
        assert claimed("lost host") == [row.pk]
        end_lease(row)
        clock[0] += worker._UPKEEP_SECONDS
        serving._upkeep()
        assert outcome(row) == ("PENDING", "")
        assert work() == 1


def test_what_a_dead_worker_held_goes_to_its_successor_at_once() -> None:
    dead, successor = Worker(once=True, slot="a"), Worker(once=True, slot="a")
    assert (dead.run(), dead.name) == (0, successor.name)
    row, elsewhere = withdrawal(), withdrawal()
    queue.claim(dead.name, WORKER, batch_size=1)
    queue.claim("another worker", WORKER, batch_size=1)
    assert successor.run() == 1
    assert outcome(row) == ("COMPLETED", "")
    # A start that killed the worker counts as an attempt, as after an expired lease.
    assert [step[0] for step in history(row)] == ["STARTED", "LEASE_LOST", "STARTED", "COMPLETED"]
    assert Transaction.objects.get(pk=row.pk).attempts == 2
    assert outcome(elsewhere) == ("PROCESSING", "")


def test_a_command_that_kills_workers_of_a_slot_fails_in_the_end() -> None:
    row = withdrawal()
    for _ in range(queue.MAX_ATTEMPTS):
        queue.claim(Worker(slot="a").name, WORKER, batch_size=1)
        assert queue.inherit(Worker(slot="a").name, WORKER)
    assert outcome(row) == ("FAILED", "processing_error")


def test_a_worker_without_a_slot_inherits_nothing() -> None:
    row = withdrawal()
    queue.claim(Worker().name, WORKER, batch_size=1)
    assert Worker(once=True).run() == 0
    assert outcome(row) == ("PROCESSING", "")


# Order, time-outs, back-off. ----------------------------------------------------------------------


def test_a_claim_that_is_smaller_than_what_is_due_takes_the_first() -> None:
    now = timezone.now()
    late, middle, early = (
        withdrawal(scheduled_for=now + timedelta(hours=hours)) for hours in (3, 2, 1)
    )
    with time_machine.travel(now + timedelta(hours=4), tick=False):
        assert claimed(batch_size=2) == [early.pk, middle.pk]
        assert claimed(batch_size=2) == [late.pk]


def failing(monkeypatch: pytest.MonkeyPatch, cause: psycopg.Error, times: int) -> None:
    """Checking a posting of 13 raises the database error this many times."""
    left = [times]

    def broken(posting: Any, accounts: Any, **rules: Any) -> None:
        if posting.amount == 130_000 and left[0]:
            left[0] -= 1
            raise DatabaseError(*cause.args) from cause
        check(posting, accounts, **rules)

    monkeypatch.setattr(execution, "check", broken)


def test_a_statement_that_takes_too_long_fails_its_command_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow, neighbour = withdrawal(13), withdrawal(2)
    failing(monkeypatch, psycopg.errors.QueryCanceled("statement timeout"), times=100)
    with caplog.at_level(logging.CRITICAL, worker.__name__):
        assert work() == 2
    assert outcome(slow) == ("FAILED", "processing_error")
    assert outcome(neighbour) == ("COMPLETED", "")


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.DiskFull("no space"),
        psycopg.errors.ReadOnlySqlTransaction("read-only"),
        psycopg.errors.InsufficientPrivilege("no right"),
        psycopg.errors.AdminShutdown("going away"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_no_command_fails_because_the_database_cannot_serve(
    cause: psycopg.Error, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    row = withdrawal(13)
    failing(monkeypatch, cause, times=2)
    with caplog.at_level(logging.CRITICAL, worker.__name__):
        assert work() == 1
    assert outcome(row) == ("COMPLETED", "")
    assert [step[0] for step in history(row)] == [
        *["STARTED", "RELEASED"] * 2,
        *["STARTED", "COMPLETED"],
    ]


def test_success_ends_the_back_off() -> None:
    withdrawal()
    tired = Worker(once=True)
    tired._backoff = 3.0
    assert tired.run() == 1
    assert tired._backoff == 0.0


# Who waits for whom. ------------------------------------------------------------------------------


class Child:
    """A process that records what is done to it."""

    returncode = -9

    def __init__(self, command: list[str], told: list[str]) -> None:
        self.command, self._told = command, told

    def poll(self) -> int | None:
        return None

    def terminate(self) -> None:
        self._told.append("terminate")

    def wait(self, timeout: float | None = None) -> int:
        self._told.append("wait")
        return 0


def test_a_supervisor_tells_its_workers_to_stop_and_waits_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    children: list[Child] = []

    def start(command: list[str]) -> Child:
        children.append(Child(command, told))
        return children[-1]

    supervising = supervisor.Supervisor(["worker"], 3)
    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    monkeypatch.setattr(supervisor.time, "sleep", lambda _: supervising._stop(15, None))
    supervising.run()
    assert told == ["terminate"] * 3 + ["wait"] * 3
    assert len({child.command[-1] for child in children}) == 3


def test_a_successor_has_the_slot_of_the_one_that_died(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Child, "poll", lambda _: -9)

    def start(command: list[str]) -> Child:
        commands.append(command)
        return Child(command, [])

    supervising = supervisor.Supervisor(["worker"], 1)
    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    monkeypatch.setattr(
        supervisor.time, "sleep", lambda _: len(commands) < 3 or supervising._stop(15, None)
    )
    supervising.run()
    assert len(commands) == 3
    assert commands[0] == commands[1] == commands[2]
    assert commands[0][-1].startswith("--slot=")


def test_the_server_waits_for_its_worker_of_the_queue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A real process, which takes its time to end."""
    ended = tmp_path / "ended"
    program = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep(0.5)\n"
        f"    pathlib.Path({str(ended)!r}).touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "while True: time.sleep(1)\n"
    )
    worker = QueueWorker([sys.executable, "-c", program], logging.getLogger(), lambda: False)
    worker.start()
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    monkeypatch.setattr(gunicorn_conf, "_queue_worker", [worker])
    gunicorn_conf.on_exit(None)
    assert ended.exists()


def test_a_lost_database_is_waited_for_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests the worker's loop, not only its function: each failure backs off once."""
    trying = Worker()
    clock = [0.0]
    tries: list[float] = []

    def fail() -> bool:
        tries.append(clock[0])
        if len(tries) == 4:
            trying.stop()
        raise OperationalError("gone")

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(trying, "_step", fail)
    monkeypatch.setattr(worker.time, "sleep", sleep)
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(worker.connection, "close", lambda: None)
    assert trying.run() == 0
    waits = [round(later - earlier, 3) for earlier, later in pairwise(tries)]
    assert waits == [0.1, 0.2, 0.4]


def test_a_worker_told_to_stop_while_it_gives_back_claims_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Giving back ends the time limit of the stop: a claim after it would have none."""
    row, stopping = withdrawal(), Worker(once=True)
    stopping._held = uuid4()

    def release(*_: Any) -> int:
        stopping.stop()
        return 0

    monkeypatch.setattr(queue, "release", release)
    assert stopping.run() == 0
    assert outcome(row) == ("PENDING", "")


def test_a_worker_that_stops_without_a_database_ends_its_summaries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping = Worker()
    stopping._held = uuid4()
    stopping.stop()

    def release(*_: Any) -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(queue, "release", release)
    assert stopping.run() == 0
    assert stopping._daily_summaries._stopping.is_set()
