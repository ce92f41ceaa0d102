"""Reads what was posted, in the order of posting, without holding it in memory."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from analytics.lake.columns import PLACES, expression, select_list
from transactions.statistics.spans import QUARTER_SECONDS, Calendar
from transactions.statistics.state import archived_since

_FETCHED_AT_ONCE = 5000
_QUARTER = QUARTER_SECONDS * 1_000_000
# SQLite adds in 63 bits, which 10,000 of the largest amounts exceed.
_PART = 10**6
_POSTED = "status = 'COMPLETED' AND completed_at >= %s AND completed_at < %s"

Row = tuple[Any, ...]
# Rows and sum in units, by day and currency.
Totals = dict[date, dict[str, tuple[int, int]]]


def posted_days(
    connection: BaseDatabaseWrapper, calendar: Calendar, first: date, end: date
) -> Iterator[tuple[date, Iterator[Row]]]:
    """Each day from `first` until before `end` on which something was posted, with its rows.

    `connection` is that of a snapshot. Archived transactions are among the rows: they stay in the
    journal. The rows of a day must be read before the next day.
    """
    statement = (
        f"SELECT {select_list(connection.vendor)} FROM transactions_transaction"  # noqa: S608
        f" WHERE {_POSTED}{_recent(calendar, first)} ORDER BY completed_at, id"
    )
    place = PLACES["posted_at"]
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, _bounds(connection, calendar, (first, end)))
        rows = _fetched(cursor)
        yield from groupby(rows, lambda row: calendar.day_of_quarter(row[place] // _QUARTER))


def posted_totals(
    connection: BaseDatabaseWrapper, calendar: Calendar, end: date, first: date | None = None
) -> Totals:
    """Rows and sum in units, by day and currency, of all that was posted before the day `end`.

    With `first` only what was posted from that day on.
    """
    since = "" if first is None else " AND completed_at >= %s" + _recent(calendar, first)
    quarter = f"({expression('moment', 'completed_at', connection.vendor)}) / {_QUARTER}"
    statement = (
        f"SELECT {quarter} AS quarter, currency, COUNT(*), SUM(amount / {_PART}),"  # noqa: S608
        f" SUM(amount %% {_PART}) FROM transactions_transaction"
        f" WHERE status = 'COMPLETED' AND completed_at < %s{since} GROUP BY 1, 2"
    )
    days = (end,) if first is None else (end, first)
    found: Totals = {}
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, _bounds(connection, calendar, days))
        for quarter_number, currency, count, high, low in _fetched(cursor):
            sums = found.setdefault(calendar.day_of_quarter(quarter_number), {})
            rows, units = sums.get(currency, (0, 0))
            sums[currency] = rows + count, units + int(high) * _PART + int(low)
    return found


def _recent(calendar: Calendar, first: date) -> str:
    """A condition that changes no answer: an index has the rows that are not archived, in order."""
    return "" if archived_since(calendar.start_of(first)) else " AND archived_at IS NULL"


def _bounds(
    connection: BaseDatabaseWrapper, calendar: Calendar, days: tuple[date, ...]
) -> list[Any]:
    return [_adapted(calendar.start_of(day), connection) for day in days]


def _fetched(cursor: Any) -> Iterator[Row]:
    while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
        yield from rows


def _adapted(moment: datetime, connection: BaseDatabaseWrapper) -> Any:
    if connection.vendor == "postgresql":
        return moment
    return connection.ops.adapt_datetimefield_value(moment)
