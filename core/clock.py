"""The bank's clock: the database's, so that all hosts tell the same time.

A clock of a host may be wrong, and two hosts never agree to the microsecond. What is posted, told
or compared with "now" takes its moment from here, or from the statement that locked its accounts.
PostgreSQL is asked. SQLite has no server: there it is the clock of the process, which all processes
of the one machine share.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from core.sql.cursors import prepared_cursor

# After so long a reading is taken again: the clocks of two machines drift apart.
_READ_AGAIN_SECONDS = 600.0

# PostgreSQL evaluates a select list from left to right.
_NOW = "SELECT clock_timestamp()"
_NOW_OF_WRITER = "SELECT pg_current_xact_id(), clock_timestamp()"


def _as_it_is(moment: datetime) -> datetime:
    return moment


# What becomes of a moment that PostgreSQL has told. Tests that travel in time put theirs here.
told: Callable[[datetime], datetime] = _as_it_is

# A reading of the bank's clock, and of the process's own at that moment. On SQLite there is none.
_reading: tuple[float, datetime] | None = None


def now() -> datetime:
    """The moment by the bank's clock, aware. One statement on PostgreSQL, none on SQLite.

    Raises what Django raises for a statement.
    """
    return told(_read(_NOW))


def about_now() -> datetime:
    """As `now`, to some milliseconds, and without a statement most of the time.

    For pages and figures, where nothing depends on the last millisecond. What is posted, or
    compared with what is posted, needs `now`.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    global _reading  # noqa: PLW0603 - threads may each take a reading, and any of them is right
    reading = _reading
    if reading is None or time.perf_counter() - reading[0] > _READ_AGAIN_SECONDS:
        moment = _read(_NOW)
        _reading = reading = time.perf_counter(), moment
    return told(reading[1] + timedelta(seconds=time.perf_counter() - reading[0]))


def now_of_writer() -> datetime:
    """As `now`, in a transaction that is about to post and has locked nothing.

    PostgreSQL has given the transaction its id by then: who waits for all transactions with an id
    (`transactions.reads.settled`) knows that no posting of an earlier moment is to come.
    """
    return told(_read(_NOW_OF_WRITER))


def _read(statement: str) -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()
    with prepared_cursor() as cursor:
        cursor.execute(statement)
        moment: datetime = cursor.fetchone()[-1]
    return moment.astimezone(UTC)


def as_told(moment: datetime) -> datetime:
    """A moment that came with another statement of PostgreSQL's, in UTC."""
    return told(moment.astimezone(UTC))
