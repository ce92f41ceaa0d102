"""Retries of database transactions: which errors are retried, and how often."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError

from core import contention
from core.contention import retrying
from core.errors import Busy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention.time, "sleep", lambda _seconds: None)


def deadlock() -> DatabaseError:
    error = OperationalError("deadlock detected")
    error.__cause__ = psycopg.errors.DeadlockDetected("deadlock detected")
    return error


def failing(times: int, error: Callable[[], DatabaseError]) -> tuple[Callable[[], int], list[int]]:
    """A function that raises `times` errors and then returns its number of calls; and its calls."""
    attempts: list[int] = []

    def run() -> int:
        attempts.append(len(attempts) + 1)
        if len(attempts) <= times:
            raise error()
        return len(attempts)

    return run, attempts


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
def test_contention_is_tried_again(failures: int) -> None:
    run, _ = failing(failures, deadlock)
    assert retrying(run) == failures + 1


def test_it_is_given_up_after_four_attempts() -> None:
    run, attempts = failing(9, deadlock)
    with pytest.raises(Busy):
        retrying(run)
    assert attempts == [1, 2, 3, 4]


def test_what_is_no_contention_is_not_tried_again() -> None:
    run, attempts = failing(9, lambda: IntegrityError("a key"))
    with pytest.raises(IntegrityError):
        retrying(run)
    assert attempts == [1]


def test_no_attempt_begins_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "_DEADLINE_SECONDS", -1)
    run, attempts = failing(9, deadlock)
    with pytest.raises(Busy):
        retrying(run)
    assert attempts == [1]


def lost() -> DatabaseError:
    cause = psycopg.OperationalError("server closed the connection unexpectedly")
    error = OperationalError(*cause.args)
    error.__cause__ = cause
    return error


def test_a_lost_connection_leaves_the_outcome_open() -> None:
    run, attempts = failing(9, lost)
    with pytest.raises(OperationalError):
        retrying(run)
    assert attempts == [1]


def test_a_lost_connection_is_busy_where_nothing_is_kept() -> None:
    """No COMMIT was sent, so nothing can have been done."""
    run, attempts = failing(9, lost)
    with pytest.raises(Busy, match="Nothing was done"):
        retrying(run, keep=False)
    assert attempts == [1]
