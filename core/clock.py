"""The bank's clock: the database's, so that all hosts agree on the time.

The clock of a host may be wrong, and two hosts never agree to the microsecond. Postings, reports
and comparisons with "now" take their moment from here, or from the statement that locked the
accounts. On PostgreSQL it is the server's clock. SQLite has no server: there it is the clock of the
machine, which all processes share.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from core.sql.cursors import prepared_rows
from core.stand_in import on_primary

# A reading is repeated after this time, because the clocks of two machines drift apart.
_READ_AGAIN_SECONDS = 600.0

# PostgreSQL evaluates a select list from left to right.
_NOW = "SELECT clock_timestamp()"
_NOW_OF_WRITER = "SELECT pg_current_xact_id(), clock_timestamp()"


def _as_it_is(moment: datetime) -> datetime:
    return moment


# Applied to each moment read from PostgreSQL. Tests that travel in time replace it.
told: Callable[[datetime], datetime] = _as_it_is

# A reading of the bank's clock, and of the process's clock at that moment. None on SQLite.
_reading: tuple[float, datetime] | None = None


def now() -> datetime:
    """The current moment by the bank's clock, aware. One statement on PostgreSQL, none on SQLite.

    Raises Django's database errors.
    """
    return told(_now())


def about_now() -> datetime:
    """As `now`, exact to some milliseconds, and mostly without a statement.

    Use it for pages and figures, where nothing depends on the last millisecond. Postings, and
    comparisons with them, need `now`.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    global _reading  # noqa: PLW0603 - threads may each take a reading, and any of them is right
    reading = _reading
    if reading is None or time.perf_counter() - reading[0] > _READ_AGAIN_SECONDS:
        moment = _now()
        _reading = reading = time.perf_counter(), moment
    return told(reading[1] + timedelta(seconds=time.perf_counter() - reading[0]))


def _now() -> datetime:
    if not settings.HAS_REPLICA:
        return _read(_NOW)
    # A standby's clock is another one.
    with on_primary():
        return _read(_NOW)


def now_of_writer() -> datetime:
    """As `now`, in a database transaction that is about to post and holds no locks yet.

    PostgreSQL has assigned the database transaction its id by then. A reader that waits for all
    database transactions with an id (`core.settled`) knows that no earlier posting can still
    appear.
    """
    return told(_read(_NOW_OF_WRITER))


def _read(statement: str) -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()
    moment: datetime = prepared_rows(statement)[0][-1]
    return moment.astimezone(UTC)


def as_told(moment: datetime) -> datetime:
    """A moment returned by some other PostgreSQL statement, in UTC."""
    return told(moment.astimezone(UTC))
