"""Database transactions that are tried again when others are in the way."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, transaction

from core import bulkhead, database_errors
from core.errors import Busy

_ATTEMPTS = 4
_BACKOFF_SECONDS = 0.05
# No attempt begins later, so that `busy` comes before a probe, a client or gunicorn gives up.
_DEADLINE_SECONDS = 5

T = TypeVar("T")


def retrying(run: Callable[[], T], *, keep: bool = True) -> T:
    """`run` in a transaction of its own, again after contention, a bounded number of times.

    Without `keep` the transaction is rolled back after it: what `run` returns is all that is left.
    Raises Busy when others stay in the way, and at once when the database cannot serve at present
    (`core.database_errors`); nothing was done then. A connection that was lost at COMMIT may have
    committed, so nothing is tried again after it.
    """
    try:
        return _retrying(run, keep)
    finally:
        bulkhead.leave()


def _retrying(run: Callable[[], T], keep: bool) -> T:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True):
                result = run()
                if not keep:
                    transaction.set_rollback(True)
                return result
        except DatabaseError as error:
            meaning = database_errors.note(error)
            if meaning.code == "busy" and meaning.readiness:
                raise Busy(meaning.detail) from error
            if not meaning.tried_again:
                raise
            if attempt == _ATTEMPTS or time.monotonic() > deadline:
                raise Busy("The account is in use. Nothing was done.") from error
        # Outside the transaction: nobody waits for us while we wait.
        time.sleep(_BACKOFF_SECONDS * attempt * (0.5 + random.random()))  # noqa: S311
    raise AssertionError("unreachable")
