"""The journal's transactions in groups, counted and summed by the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.identifiers import lowest_uuid7
from transactions.statistics.buckets import bucket_sql
from transactions.statistics.spans import QUARTER_SECONDS

_JOURNAL = "transactions_transaction"
_FETCHED_AT_ONCE = 2000
# SQLite adds in 63 bits, which 10,000 of the largest amounts exceed: high and low digits add up
# apart.
_PART = 10**6

# A status in quotes, as in the indexes: a partial index needs a literal.
_FAILED = "status = 'FAILED'"
_OPEN = "status IN ('PENDING', 'PROCESSING')"
_COMPLETED = "status = 'COMPLETED'"


class Group(NamedTuple):
    """Transactions alike in all of this. Quarters are counted from 1970.

    `posted` is the quarter in which they were completed, if asked for. `bucket` is that of their
    processing times; None if they have not ended. `rows` is their number, `units` the sum of their
    amounts.
    """

    made: int
    posted: int | None
    type: str
    currency: str
    status: str
    failure_code: str
    bucket: int | None
    rows: int
    units: int


# The labels of a group.
LABELS = ("type", "currency", "status", "failure_code")


@dataclass(frozen=True, slots=True)
class Part:
    """Some transactions of the journal: an SQL condition, and on SQLite the index to use.

    PostgreSQL knows how many rows each index has; SQLite may know nothing of the kind.
    """

    condition: str
    values: Sequence[Any]
    index: str = ""


def made_between(start: datetime, end: datetime) -> Part:
    """All that were made in a span of time."""
    return Part(*_ids(start, end))


def unsettled_between(start: datetime, end: datetime) -> list[Part]:
    """Those made in a span of time that have failed or have not ended, by their small indexes."""
    ids, values = _ids(start, end)
    return [
        Part(f"{_FAILED} AND {ids}", values, "transaction_failed"),
        Part(f"{_OPEN} AND {ids}", values, "transaction_queue"),
    ]


def completed(made: tuple[datetime, datetime], before: datetime) -> Part:
    """Those made in the span `made` that were completed before that moment."""
    ids, values = _ids(*made)
    return Part(f"{_COMPLETED} AND completed_at < %s AND {ids}", [before, *values])


def completed_since(
    since: datetime,
    made: tuple[datetime, datetime],
    *,
    before: datetime | None = None,
    with_archived: bool,
) -> Part:
    """Those made in the span `made` that were completed in a later span of time.

    Without archived ones an index has them. With archived ones all of the span `made` is read.
    """
    ids, values = _ids(*made)
    condition = f"{_COMPLETED} AND completed_at >= %s AND {ids}"
    values = [since, *values]
    if before is not None:
        condition, values = f"{condition} AND completed_at < %s", [*values, before]
    if with_archived:
        return Part(condition, values)
    return Part(f"{condition} AND archived_at IS NULL", values, "transaction_unarchived")


def _ids(start: datetime, end: datetime) -> tuple[str, list[Any]]:
    return "id >= %s AND id < %s", [lowest_uuid7(start), lowest_uuid7(end)]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What groups are told apart by, so that no more of them are read than are wanted.

    `made` is the first of `quarters` quarters: those of a day or an hour. `runs` are those of the
    calendar. Outside of them, and without any, each quarter is told apart. Labels that `labels`
    leaves out are empty.
    """

    runs: Sequence[datetime] = ()
    quarters: int = 1
    labels: Sequence[str] = LABELS


EACH_QUARTER = Grouping()


def groups(
    parts: Sequence[Part],
    *,
    grouping: Grouping = EACH_QUARTER,
    with_posted: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> Iterator[Group]:
    """The transactions of all parts, in groups. The parts must not overlap.

    One statement, so that a transaction whose status changes meanwhile is in one part only.
    """
    connection = connections[using]
    vendor = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    sources = " UNION ALL ".join(
        vendor.source(part, grouping, with_posted=with_posted) for part in parts
    )
    statement = (
        f"SELECT made, posted, type, currency, status, failure_code,"  # noqa: S608 - constants
        f" {bucket_sql('took')} AS bucket, COUNT(*), SUM(amount / {_PART}), SUM(amount %% {_PART})"
        f" FROM ({sources}) AS journal"
        " GROUP BY made, posted, type, currency, status, failure_code, bucket"
    )
    values = [
        _adapted(value, connection) for part in parts for value in (*grouping.runs, *part.values)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for *alike, high, low in rows:
                made, posted, kind, currency, status, code, bucket, count = alike
                units = int(high) * _PART + int(low)
                yield Group(made, posted, kind, currency, status, code, bucket, count, units)


def _adapted(value: datetime | UUID, connection: BaseDatabaseWrapper) -> Any:
    if connection.vendor == "postgresql":
        return value
    if isinstance(value, UUID):
        return value.hex
    return connection.ops.adapt_datetimefield_value(value)


@dataclass(frozen=True, slots=True)
class _Vendor:
    """`quarter` and `took` are SQL with places for the columns; `later` is the larger of two."""

    quarter: str
    took: str
    later: str
    names_indexes: bool

    def source(self, part: Part, grouping: Grouping, *, with_posted: bool) -> str:
        posted = self._quarter(f"{self.later}(created_at, completed_at)") if with_posted else "0"
        hint = f" INDEXED BY {part.index}" if part.index and self.names_indexes else ""
        completed = self.took.format(end="completed_at")
        failed = self.took.format(end="updated_at")
        labels = ", ".join(name if name in grouping.labels else f"'' AS {name}" for name in LABELS)
        return (
            f"SELECT {self._made(grouping)} AS made,"  # noqa: S608 - constants
            f" {posted} AS posted, {labels}, amount,"
            f" CASE status WHEN 'COMPLETED' THEN {completed} WHEN 'FAILED' THEN {failed} END"
            f" AS took"
            f" FROM {_JOURNAL}{hint} WHERE {part.condition}"
        )

    def _made(self, grouping: Grouping) -> str:
        """The first quarter of the interval. Its places are for the runs, in their order."""
        quarter, size = self._quarter("created_at"), grouping.quarters
        cases, start = [], quarter
        for run in grouping.runs:
            cases.append(f"WHEN created_at < %s THEN {start}")
            first = int(run.timestamp()) // QUARTER_SECONDS
            start = f"{first} + ({quarter} - {first}) / {size} * {size}"
        return f"CASE {' '.join(cases)} ELSE {quarter} END" if cases else quarter

    def _quarter(self, column: str) -> str:
        return self.quarter.format(column=column)


_POSTGRESQL = _Vendor(
    # A float holds a moment of this century to a quarter of a microsecond.
    quarter=f"floor(date_part('epoch', {{column}}) / {QUARTER_SECONDS})::bigint",
    took=(
        "CASE WHEN {end} = created_at THEN 0"
        " ELSE round(date_part('epoch', {end} - created_at) * 1000000)::bigint END"
    ),
    later="greatest",
    names_indexes=False,
)


def _seconds(column: str) -> str:
    # Without the fraction, which strftime would round to milliseconds.
    return f"CAST(strftime('%%s', substr({column}, 1, 19)) AS INTEGER)"


def _microseconds(column: str) -> str:
    # Django leaves out a fraction of zero.
    return f"CAST(substr(substr({column}, 21) || '000000', 1, 6) AS INTEGER)"


_SQLITE = _Vendor(
    quarter=f"{_seconds('{column}')} / {QUARTER_SECONDS}",
    took=(
        "CASE WHEN {end} = created_at THEN 0 ELSE"
        f" ({_seconds('{end}')} - {_seconds('created_at')}) * 1000000"
        f" + {_microseconds('{end}')} - {_microseconds('created_at')} END"
    ),
    later="max",
    names_indexes=True,
)
