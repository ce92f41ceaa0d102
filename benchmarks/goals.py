"""Targets of a run: ratios between its cases, which hold on any machine, and limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.cases import GROWING, MILLION

# A goal counts as met within a tenth: medians of a few rounds are not more exact.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Goal:
    """The rate of case `of` is at least `at_least` times that of case `to`. None: only reported."""

    of: str
    to: str
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured goal. `value` is the median of the ratios within each round."""

    goal: Goal
    value: float

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None if the ratio is only reported."""
        if self.goal.at_least is None:
            return None
        return self.value >= self.goal.at_least * (1 - TOLERANCE)


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper bound on a figure of one case, or of the whole run if it names no case."""

    figure: str
    at_most: float
    of: str | None = None


GOALS: Sequence[Goal] = (
    Goal("single.transfer", "raw.transfer", at_least=0.5),
    Goal("list.5000", "copy.5000", at_least=0.5),
    Goal("list.5000", "single.transfer", at_least=15),
    Goal("http.8", "single.transfer", at_least=0.6),
    Goal("http.batch.5000", "list.5000", at_least=0.6),
    Goal("queue.drain", "list.5000", at_least=0.15),
    Goal("queue.drain", "single.transfer", at_least=3),
    Goal("hot.32", "http.32", at_least=0.5),
    *(Goal(f"{MILLION}.{case.name}", case.name, at_least=0.8) for case in GROWING),
    # At most 1.5 times the time.
    Goal("history.1000000", "history.1000", at_least=0.67),
    Goal("balances.1000000", "balances.1000", at_least=0.67),
    Goal("files.export", "files.copy_out", at_least=0.4),
    Goal("files.archive", "files.copy_out", at_least=0.05),
    Goal("files.import", "files.copy_in", at_least=0.15),
    Goal("single.transfer", "pgbench.1"),
    Goal("http.8", "pgbench.8"),
    Goal("list.1000", "sqlite.list.1000"),
)


LIMITS: Sequence[Limit] = (
    Limit("web_growth_megabytes", at_most=60),
    Limit("peak_megabytes", at_most=200, of="1m.export"),
    Limit("peak_megabytes", at_most=200, of="1m.archive"),
    Limit("p99_milliseconds", at_most=200, of="1m.archive"),
)


def ratios(rates: Mapping[str, Sequence[float]]) -> list[Ratio]:
    """The goals whose two cases were measured; `rates` are by case, in the order of the rounds.

    Two cases of one round run within minutes of each other, so under similar conditions.
    """
    return [
        Ratio(goal, median(a / b for a, b in zip(rates[goal.of], rates[goal.to], strict=True)))
        for goal in GOALS
        if goal.of in rates and goal.to in rates
    ]


def limits(run: Mapping[str, Any], cases: Iterable[Mapping[str, Any]]) -> list[tuple[Limit, float]]:
    """The limits of the measured cases, each with its figure."""
    of = {None: run, **{case["name"]: case for case in cases}}
    found = [(limit, of.get(limit.of, {}).get(limit.figure)) for limit in LIMITS]
    return [(limit, value) for limit, value in found if value is not None]
