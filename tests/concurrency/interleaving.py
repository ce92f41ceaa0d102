"""Forced interleavings: second sessions, threads that stop at given points, and who waits.

No test relies on a sleep: PostgreSQL itself reports who waits for a lock.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection

from tests.concurrency.crowd import PATIENCE_SECONDS, Thread, database_url
from transactions.ledger import processor

# SQLite cannot report who waits. A thread that has not arrived by then counts as waiting.
SQLITE_GRACE_SECONDS = 0.5


class Rival:
    """A session outside the bank's rules, which locks any account for any time."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.session = session

    def lock(self, account_id: UUID | str) -> None:
        self.session.execute(
            "SELECT FROM accounts_account WHERE id = %s FOR UPDATE", [str(account_id)]
        )


@contextmanager
def rival() -> Iterator[Rival]:
    """A rival in its own transaction, which is rolled back at the end of the block."""
    session = psycopg.connect(database_url())
    try:
        yield Rival(session)
    finally:
        session.rollback()
        session.close()


def waiting_sessions() -> int:
    """The number of sessions of this database that wait for a lock now."""
    with psycopg.connect(database_url(), autocommit=True) as session:
        row = session.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert row
    return int(row[0])


def until(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Waits for the condition. Returns whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def failures_recorded() -> Iterator[list[str]]:
    """The SQLSTATEs of this thread's statements that failed by contention."""
    seen: list[str] = []

    def record(execute: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        except OperationalError as error:
            seen.append(getattr(error.__cause__, "sqlstate", "") or str(error))
            raise

    with connection.execute_wrapper(record):
        yield seen


class Steps:
    """Runs two operations in a forced order.

    The second one begins when the first one has stopped, and runs as far as it can. Then the first
    one ends, and then the second.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **originals: Callable[..., Any]) -> None:
        """An operation stops when the processor function of one of these names has returned."""
        self._mine = threading.local()
        for name, original in originals.items():
            monkeypatch.setattr(processor, name, partial(self._do_and_stop, original))

    @classmethod
    def locked(cls, monkeypatch: pytest.MonkeyPatch, lock: Any) -> "Steps":
        """Each operation stops once it has its locks, and has read what they protect."""
        return cls(monkeypatch, lock_accounts=lock)

    @classmethod
    def written(cls, monkeypatch: pytest.MonkeyPatch) -> "Steps":
        """Each operation stops once it has written everything, before the commit."""
        return cls(
            monkeypatch,
            _process=processor._process,
            _process_batch=processor._process_batch,
        )

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
        """The two results, with an error in place of a failed one."""
        leader, follower = self._thread(first), self._thread(second)
        leader.start()
        assert until(lambda: leader.arrived.is_set() or not leader.thread.is_alive())
        follower.start()
        self._until_it_waits(follower)
        leader.go.set()
        results = [leader.outcome()]
        follower.go.set()
        return [*results, follower.outcome()]

    def _until_it_waits(self, follower: "_Stopping") -> None:
        """Waits until the follower waits for the leader, or has reached its own stop."""
        if connection.vendor == "sqlite":
            follower.arrived.wait(SQLITE_GRACE_SECONDS)
            return
        assert until(
            lambda: (
                follower.arrived.is_set()
                or not follower.thread.is_alive()
                or waiting_sessions() > 0
            )
        )

    def _thread(self, job: Callable[[], Any]) -> "_Stopping":
        stopping = _Stopping()

        def marked() -> Any:
            self._mine.stop = stopping
            return job()

        stopping.thread = Thread(marked)
        return stopping

    def _do_and_stop(self, original: Callable[..., Any], *arguments: Any) -> Any:
        done = original(*arguments)
        stop: _Stopping | None = getattr(self._mine, "stop", None)
        if stop:
            stop.arrived.set()
            assert stop.go.wait(PATIENCE_SECONDS)
        return done


class _Stopping:
    """A thread that stops at a given point until it is released."""

    thread: Thread

    def __init__(self) -> None:
        self.arrived, self.go = threading.Event(), threading.Event()

    def start(self) -> None:
        self.thread.start()

    def outcome(self) -> Any:
        try:
            return self.thread.result()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
