"""Statistics computed from all rows, one after the other: what the bank's must equal."""

import math
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from core.money import to_units
from transactions.models import Transaction
from transactions.statistics.buckets import bucket_of, middle_of, percentile
from transactions.statistics.report import Statistics, WantedStatistics
from transactions.statistics.spans import Interval

PERCENTS = (50, 95, 99)
# Start, group, count, completed, failed, sums of all, sums of the completed, percentiles.
PlainRow = tuple[Any, ...]


def plain_statistics(wanted: WantedStatistics, zone: tzinfo) -> list[PlainRow]:
    """The rows as `as_plain` shows them, with exact times put into their buckets at the end."""
    found: dict[tuple[datetime, tuple[str, ...]], list[Transaction]] = defaultdict(list)
    for row in Transaction.objects.all():
        local = row.created_at.astimezone(zone)
        if not wanted.first <= local.date() < wanted.end:
            continue
        if (wanted.type or row.type) != row.type:
            continue
        if (wanted.currency or row.currency) != row.currency:
            continue
        group = tuple(str(getattr(row, name)) for name in wanted.by)
        found[_start(row.created_at, wanted, zone), group].append(row)
    return [
        (start, group, *_totals(rows))
        for (start, group), rows in sorted(found.items(), key=lambda item: item[0])
    ]


def as_plain(found: Statistics) -> list[PlainRow]:
    return [
        (
            row.start,
            row.group,
            row.total.count,
            row.total.completed,
            row.total.failed,
            dict(row.total.amounts),
            dict(row.total.completed_amounts),
            tuple(percentile(row.total.times, percent) for percent in PERCENTS),
        )
        for row in found.rows
    ]


def _start(moment: datetime, wanted: WantedStatistics, zone: tzinfo) -> datetime:
    day = moment.astimezone(zone).date()
    if wanted.interval is Interval.MONTH:
        day = max(day.replace(day=1), wanted.first)
    start = datetime.combine(day, time.min, zone).astimezone(UTC)
    if wanted.interval is Interval.HOUR:
        start += (moment - start) // timedelta(hours=1) * timedelta(hours=1)
    return start


def _totals(rows: list[Transaction]) -> PlainRow:
    completed = [row for row in rows if row.status == "COMPLETED"]
    failed = [row for row in rows if row.status == "FAILED"]
    times = [_microseconds(row.completed_at, row) for row in completed]
    times += [_microseconds(row.updated_at, row) for row in failed]
    return (
        len(rows),
        len(completed),
        len(failed),
        _sums(rows),
        _sums(completed),
        tuple(_nearest_rank(sorted(times), percent) for percent in PERCENTS),
    )


def _microseconds(end: datetime | None, row: Transaction) -> int:
    assert end is not None
    return (end - row.created_at) // timedelta(microseconds=1)


def _sums(rows: list[Transaction]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.currency] += to_units(row.amount)
    return dict(sums)


def _nearest_rank(times: list[int], percent: int) -> int | None:
    """The exact percentile, then put into its bucket."""
    if not times:
        return None
    return middle_of(bucket_of(times[math.ceil(len(times) * percent / 100) - 1]))
