"""Database transactions that are retried after contention, and what their errors mean."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, connection, transaction

from core import bulkhead, database_errors
from core.errors import Busy
from core.metrics.instruments import LOCK_SECONDS, RETRIES_BY_REASON

_ATTEMPTS = 4
_BACKOFF_SECONDS = 0.05
# No attempt begins later, so the client gets `busy` before it, a probe or gunicorn times out.
_DEADLINE_SECONDS = 5

# A group of commands waits this long for a lock; then each command tries alone.
GROUP_SECONDS = 0.1

T = TypeVar("T")


def retrying(run: Callable[[], T], *, keep: bool = True) -> T:
    """Calls `run` in its own database transaction; retries a bounded number of times.

    Only contention leads to a retry. Returns the result of `run`. Without `keep` the database
    transaction is then rolled back.

    Raises Busy when contention persists, and at once when the database cannot serve at present
    (`core.database_errors`). Nothing was done then. If the connection is lost at COMMIT, the work
    may be committed, so there is no retry. Without `keep` there is no COMMIT, and a lost connection
    is Busy too.
    """
    try:
        return _retrying(run, keep)
    finally:
        bulkhead.leave()


def _retrying(run: Callable[[], T], keep: bool) -> T:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return once(run, keep=keep)
        except DatabaseError as error:
            meaning = database_errors.note(error)
            if meaning is database_errors.LOST and not keep:
                raise Busy("The connection to the database was lost. Nothing was done.") from error
            is_last = attempt == _ATTEMPTS or time.monotonic() > deadline
            if busy := _busy(meaning, is_last=is_last):
                raise busy from error
            if not meaning.tried_again:
                raise
            RETRIES_BY_REASON[database_errors.reason_of(error)].inc()
        # Waits outside the database transaction, so nobody waits for our locks meanwhile.
        time.sleep(_BACKOFF_SECONDS * attempt * (0.5 + random.random()))  # noqa: S311
    raise AssertionError("unreachable")


def once(run: Callable[[], T], *, keep: bool = True) -> T:
    """As `retrying`, but tries once, and raises any error that ends the transaction."""
    began = time.perf_counter()
    with transaction.atomic(durable=True):
        if connection.vendor == "sqlite":  # BEGIN locks the whole database.
            LOCK_SECONDS.observe(time.perf_counter() - began)
        result = run()
        if not keep:
            transaction.set_rollback(True)
        return result


def answer_of_all(error: DatabaseError, began: float) -> Exception | None:
    """The answer to each caller of a transaction that `error` ended: a new exception at each call.

    None if nothing was done and each caller may try alone. `began` is the time.monotonic() at the
    start of the transaction: after contention that lasted too long there is no further attempt.
    """
    meaning = database_errors.note(error)
    is_last = time.monotonic() > began + _DEADLINE_SECONDS
    answer: DatabaseError | Busy | None = _busy(meaning, is_last=is_last)
    if answer is None and (meaning.drops_connection or meaning is database_errors.TOO_LONG):
        answer = type(error)(*error.args)
    if answer is not None:
        # The meaning of a database error is read from its cause.
        answer.__cause__ = error.__cause__
    return answer


def _busy(meaning: database_errors.Meaning, *, is_last: bool) -> Busy | None:
    """What a caller hears if the database cannot serve, or is in the way after the last attempt."""
    if meaning.readiness:
        return Busy(meaning.detail, retry_after_seconds=database_errors.wait_seconds())
    if meaning.tried_again and is_last:
        return Busy("The account is in use. Nothing was done.")
    return None
