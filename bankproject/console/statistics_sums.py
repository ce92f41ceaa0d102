"""Totals of the page Statistics and of its files, with what failed and what was decided apart."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bankproject.console.parts import TableCell, number
from bankproject.console.words import DECIDED
from core.errors import FAILURES_BY_DECISION
from transactions.statistics.report import Statistics, StatisticsRow, Total

# What the page needs of each row.
BY = ("type", "currency", "failure_code")
_TYPE, _CURRENCY, _FAILURE = range(3)
# The columns of a table of outcomes.
OUTCOMES = ["All", "Completed", "Failed", DECIDED, "Not ended", "Share failed"]


@dataclass(slots=True)
class Outcomes(Total):
    """A total that tells what went wrong from what was rejected, was cancelled or has expired."""

    decided: int = 0

    def add_row(self, row: StatisticsRow) -> None:
        """Adds a row that is split by BY."""
        self.add_total(row.total)
        if row.group[_FAILURE] in FAILURES_BY_DECISION:
            self.decided += row.total.count

    @property
    def wrong(self) -> int:
        return self.failed - self.decided

    @property
    def wrong_share(self) -> float:
        """From 0 to 1."""
        return self.wrong / self.count if self.count else 0.0

    def cells(self) -> list[TableCell]:
        """In the order of OUTCOMES."""
        counts = (self.count, self.completed, self.wrong, self.decided, self.waiting)
        return [*map(number, counts), TableCell(f"{self.wrong_share:.2%}", is_number=True)]


@dataclass(slots=True)
class Sums:
    """Totals of all rows: by interval, currency, type and failure, and of everything."""

    statistics: Statistics
    everything: Outcomes = field(default_factory=Outcomes)
    by_start: dict[datetime, Outcomes] = field(default_factory=partial(defaultdict, Outcomes))
    by_type: dict[str, Outcomes] = field(default_factory=partial(defaultdict, Outcomes))
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for row in self.statistics.rows:
            self.everything.add_row(row)
            self.by_start[row.start].add_row(row)
            self.by_type[row.group[_TYPE]].add_row(row)
            if code := row.group[_FAILURE]:
                self.failures[code] += row.total.count

    @property
    def currencies(self) -> list[str]:
        """Those with the most transactions first."""
        counts: Counter[str] = Counter()
        for row in self.statistics.rows:
            counts[row.group[_CURRENCY]] += row.total.count
        return [currency for currency, _ in sorted(counts.items(), key=lambda one: (-one[1], one))]
