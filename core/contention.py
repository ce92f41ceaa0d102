"""Database transactions that are tried again when others are in the way."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

from core.errors import Busy

# Deadlock, serialization failure, lock timeout: SQLSTATEs after which nothing was done.
_CONTENTION = {"40P01", "40001", "55P03"}
_ATTEMPTS = 4
_BACKOFF_SECONDS = 0.05
# No attempt begins later, so that `busy` is told before gunicorn's own time-out.
_DEADLINE_SECONDS = 10

T = TypeVar("T")


def retrying(run: Callable[[], T], *, keep: bool = True) -> T:
    """`run` in a transaction of its own, again after contention, a bounded number of times.

    Without `keep` the transaction is rolled back after it: what `run` returns is all that is left.
    Raises Busy when others stay in the way; nothing was done then.
    """
    deadline = time.monotonic() + _DEADLINE_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True):
                result = run()
                if not keep:
                    transaction.set_rollback(True)
                return result
        except OperationalError as error:
            if not is_contention(error):
                raise
            if attempt == _ATTEMPTS or time.monotonic() > deadline:
                raise Busy("The account is in use. Nothing was done.") from error
        # Outside the transaction: nobody waits for us while we wait.
        time.sleep(_BACKOFF_SECONDS * attempt * (0.5 + random.random()))  # noqa: S311
    raise AssertionError("unreachable")


def is_contention(error: OperationalError) -> bool:
    """Whether others were in the way, so that the same may work later."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _CONTENTION:
        return True
    return "database is locked" in str(cause)
