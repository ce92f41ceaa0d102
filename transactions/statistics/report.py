"""Statistics of a span of days: the one function behind the API and the console.

Closed days come from their summaries, and everything else from the journal: transactions
made or completed since, and those that have failed or not ended. Both together are the journal as
it is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from core import clock, replica
from transactions.models import DaySummary
from transactions.states import TransactionStatus
from transactions.statistics.cells import Kind, Sum, add_times, kind_of, loaded
from transactions.statistics.journal import (
    LABELS,
    Group,
    Grouping,
    Part,
    completed_since,
    groups,
    made_between,
    unsettled_between,
)
from transactions.statistics.spans import DAY_QUARTERS, HOUR_QUARTERS, Calendar, Interval
from transactions.statistics.state import archived_since, covered_until
from transactions.statistics.summaries import DAYS_AT_ONCE

# What rows can be split by.
SPLITS = Kind._fields


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedStatistics:
    """Transactions made from the day `first` until before the day `end`, by interval.

    `by` has names of SPLITS. `type` and `currency` leave out all others; empty means any.
    """

    first: date
    end: date
    interval: Interval = Interval.DAY
    by: tuple[str, ...] = ()
    type: str = ""
    currency: str = ""


@dataclass(slots=True)
class Total:
    """Transactions counted and summed. Amounts are in units by currency, and never mixed.

    `amounts` sums all of them, `completed_amounts` only those that moved money. `times` has the
    processing times, from creation to the end, of those that have ended.
    """

    count: int = 0
    completed: int = 0
    failed: int = 0
    amounts: Counter[str] = field(default_factory=Counter)
    completed_amounts: Counter[str] = field(default_factory=Counter)
    times: dict[int, int] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many have not ended."""
        return self.count - self.completed - self.failed

    @property
    def failed_share(self) -> float:
        """From 0 to 1."""
        return round(self.failed / self.count, 6) if self.count else 0.0

    def add(self, kind: Kind, found: Sum) -> None:
        self.count += found.count
        self.amounts[kind.currency] += found.units
        add_times(self.times, found.times)
        if kind.status == TransactionStatus.COMPLETED:
            self.completed += found.count
            self.completed_amounts[kind.currency] += found.units
        elif kind.status == TransactionStatus.FAILED:
            self.failed += found.count

    def add_total(self, other: "Total") -> None:
        self.count += other.count
        self.completed += other.completed
        self.failed += other.failed
        self.amounts.update(other.amounts)
        self.completed_amounts.update(other.completed_amounts)
        add_times(self.times, other.times)


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """One interval, from `start` until before `end`, and one group; `group` follows `by`."""

    start: datetime
    end: datetime
    group: tuple[str, ...]
    total: Total


@dataclass(frozen=True, slots=True)
class Statistics:
    """Rows in the order of time, then of the groups. Empty rows are left out."""

    wanted: WantedStatistics
    zone: str
    rows: list[StatisticsRow]


def statistics(wanted: WantedStatistics) -> Statistics:
    """Reads the bank as it is. Four statements if closed days have summaries.

    Without summaries it reads all of the span from the journal: the same, but more slowly. It reads
    on the replica, if there is one.
    """
    return replica.read(partial(_statistics, wanted))


def _statistics(wanted: WantedStatistics) -> Statistics:
    calendar = Calendar()
    covered = covered_until(calendar)
    start = None if covered is None else calendar.start_of(covered)
    table = _Table(wanted, calendar)
    with_archived = False
    while True:
        table.read(covered, with_archived=with_archived)
        # Checked after the read, to notice rows that were archived meanwhile.
        if start is None or with_archived or not archived_since(start):
            return Statistics(wanted, calendar.name, table.rows())
        with_archived = True


class _Table:
    """The totals by interval and group."""

    def __init__(self, wanted: WantedStatistics, calendar: Calendar) -> None:
        self.wanted = wanted
        self.calendar = calendar
        self.totals: dict[tuple[date | int, tuple[str, ...]], Total] = {}
        self._places = tuple(SPLITS.index(name) for name in wanted.by)
        self._bounds = tuple(
            int(calendar.start_of(day).timestamp()) for day in (wanted.first, wanted.end)
        )

    def read(self, covered: date | None, *, with_archived: bool) -> None:
        """Fills the table. Summaries cover the days before `covered`."""
        self.totals.clear()
        first, end = self.wanted.first, self.wanted.end
        grouping = self._grouping()
        parts: list[Part] = []
        if covered is not None and first < covered:
            for made, kind, found in self._summarised(covered):
                self._add(made, kind, found)
            since = self.calendar.start_of(covered)
            made_in = self.calendar.start_of(first), min(since, self.calendar.start_of(end))
            parts = [
                *unsettled_between(*made_in),
                completed_since(since, made_in, with_archived=with_archived),
            ]
            first = covered
        # Days to come have no more rows than one day, so one statement reads all of them.
        nearly_today = self.calendar.day_of(clock.about_now()) - timedelta(days=DAYS_AT_ONCE)
        while parts or first < end:
            if first < end:
                stop = end if first >= nearly_today else first + timedelta(days=DAYS_AT_ONCE)
                stop = min(stop, end)
                parts.append(
                    made_between(self.calendar.start_of(first), self.calendar.start_of(stop))
                )
                first = stop
            for group in groups(parts, grouping=grouping):
                self._add_group(group)
            parts = []

    def _grouping(self) -> Grouping:
        """Of the journal: no finer than the rows of the table."""
        wanted = self.wanted
        named = {"currency", "status", *wanted.by, *(["type"] if wanted.type else [])}
        by_hour = wanted.interval is Interval.HOUR
        return Grouping(
            runs=self.calendar.runs(wanted.first, wanted.end),
            quarters=HOUR_QUARTERS if by_hour else DAY_QUARTERS,
            labels=[name for name in LABELS if name in named],
        )

    def _summarised(self, covered: date) -> Iterator[tuple[date | int, Kind, Sum]]:
        """The cells of all summaries that have transactions of the span."""
        by_hour = self.wanted.interval is Interval.HOUR
        summaries = DaySummary.objects.filter(
            zone=self.calendar.name,
            day__gte=self.wanted.first,
            day__lt=covered,
            first_made__lt=self.wanted.end,
        )
        for cells in summaries.values_list("hours" if by_hour else "days", flat=True):
            for cell in cells:
                made, kind, found = loaded(cell)
                yield made if by_hour else date.fromisoformat(made), kind, found

    def _add_group(self, group: Group) -> None:
        by_hour = self.wanted.interval is Interval.HOUR
        find: Any = self.calendar.hour_of_quarter if by_hour else self.calendar.day_of_quarter
        found = Sum()
        found.add(group)
        self._add(find(group.made), kind_of(group), found)

    def _add(self, made: date | int, kind: Kind, found: Sum) -> None:
        wanted = self.wanted
        if (wanted.type and kind.type != wanted.type) or (
            wanted.currency and kind.currency != wanted.currency
        ):
            return
        if isinstance(made, int):
            if not self._bounds[0] <= made < self._bounds[1]:
                return
        elif not wanted.first <= made < wanted.end:
            return
        elif wanted.interval is Interval.MONTH:
            made = made.replace(day=1)
        group = tuple(kind[place] for place in self._places)
        if (total := self.totals.get((made, group))) is None:
            total = self.totals[made, group] = Total()
        total.add(kind, found)

    def rows(self) -> list[StatisticsRow]:
        first, end = (self.calendar.start_of(day) for day in (self.wanted.first, self.wanted.end))
        rows = []
        for (key, group), total in sorted(self.totals.items()):
            start, stop = self.calendar.bounds(self.wanted.interval, key)
            # The span may have only some days of a month.
            rows.append(StatisticsRow(max(start, first), min(stop, end), group, total))
        return rows
