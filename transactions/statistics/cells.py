"""Sums of transactions that are alike, and their form in a stored summary."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from transactions.states import TransactionStatus
from transactions.statistics.journal import Group


class Kind(NamedTuple):
    """What transactions can be told apart by. `failure_code` is empty where nothing failed."""

    type: str
    currency: str
    status: str
    failure_code: str


@dataclass(slots=True)
class Sum:
    """A number of transactions, their amounts in units, and their processing times by bucket."""

    count: int = 0
    units: int = 0
    times: Counter[int] = field(default_factory=Counter)

    def add(self, group: Group) -> None:
        self.count += group.rows
        self.units += group.units
        if group.bucket is not None:
            self.times[group.bucket] += group.rows

    def add_sum(self, other: "Sum") -> None:
        self.count += other.count
        self.units += other.units
        self.times.update(other.times)


# Of the transactions completed on one day: the day or the hour they were made, type, currency.
Cells = dict[tuple[Any, str, str], Sum]


def kind_of(group: Group) -> Kind:
    return Kind(group.type, group.currency, group.status, group.failure_code)


def completed_kind(kind: str, currency: str) -> Kind:
    return Kind(kind, currency, TransactionStatus.COMPLETED, "")


def stored(cells: Mapping[tuple[Any, str, str], Sum]) -> list[list[Any]]:
    """The cells as JSON, always in the same order."""
    return [
        [made, kind, currency, cell.count, cell.units, sorted(map(list, cell.times.items()))]
        for (made, kind, currency), cell in sorted(cells.items())
    ]


def loaded(cell: list[Any]) -> tuple[Any, Kind, Sum]:
    """When the transactions of a stored cell were made, their kind and sum."""
    made, kind, currency, count, units, times = cell
    return made, completed_kind(kind, currency), Sum(count, units, Counter(dict(times)))
