"""Sums of transactions that are alike, and their form in a stored summary."""

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
    times: dict[int, int] = field(default_factory=dict)

    def add(self, group: Group) -> None:
        self.count += group.rows
        self.units += group.units
        if group.bucket is not None:
            add_times(self.times, {group.bucket: group.rows})


def add_times(times: dict[int, int], more: Mapping[int, int]) -> None:
    """Adds to a histogram. A Counter does the same, and takes thrice as long."""
    for bucket, count in more.items():
        times[bucket] = times.get(bucket, 0) + count


# Of the transactions completed on one day: the day or the hour they were made, type, currency.
Cells = dict[tuple[Any, str, str], Sum]


def kind_of(group: Group) -> Kind:
    return Kind(group.type, group.currency, group.status, group.failure_code)


def completed_kind(kind: str, currency: str) -> Kind:
    return Kind(kind, currency, TransactionStatus.COMPLETED, "")


def stored(cells: Mapping[tuple[Any, str, str], Sum]) -> list[list[Any]]:
    """The cells as JSON, always in the same order. A pair of lists is read faster than pairs."""
    found = []
    for (made, kind, currency), cell in sorted(cells.items()):
        buckets = sorted(cell.times)
        counts = [cell.times[bucket] for bucket in buckets]
        found.append([made, kind, currency, cell.count, cell.units, buckets, counts])
    return found


def loaded(cell: list[Any]) -> tuple[Any, Kind, Sum]:
    """When the transactions of a stored cell were made, their kind and sum."""
    made, kind, currency, count, units, buckets, counts = cell
    times = dict(zip(buckets, counts, strict=True))
    return made, completed_kind(kind, currency), Sum(count, units, times)
