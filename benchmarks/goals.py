"""Targets of a run: ratios between its cases, which hold on any machine, and limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.cases import GROWING, GROWN, MILLION, READING

# A goal counts as met within a tenth: medians of a few rounds are not more exact.
TOLERANCE = 0.1

# The figures that a goal compares: transactions per second, or the web server's processor time of a
# request.
RATE = "per_second"
SERVER_TIME = "server_milliseconds"


@dataclass(frozen=True, slots=True)
class Goal:
    """The figure of case `of` is at least `at_least`, or at most `at_most`, times that of `to`.

    Without both it is only reported.
    """

    of: str
    to: str
    at_least: float | None = None
    at_most: float | None = None
    figure: str = RATE


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured goal. `value` is the median of the ratios within each round."""

    goal: Goal
    value: float

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None if the ratio is only reported."""
        if self.goal.at_least is not None:
            return self.value >= self.goal.at_least * (1 - TOLERANCE)
        if self.goal.at_most is not None:
            return self.value <= self.goal.at_most * (1 + TOLERANCE)
        return None


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper bound on a figure of one case, or of the whole run if it names no case."""

    figure: str
    at_most: float
    of: str | None = None


GOALS: Sequence[Goal] = (
    Goal("single.transfer", "raw.transfer", at_least=0.6),
    Goal("list.5000", "copy.5000", at_least=0.6),
    Goal("list.5000", "single.transfer", at_least=15),
    Goal("http.8", "single.transfer", at_least=0.6),
    Goal("http.8", "http.floor.8", at_least=0.75),
    Goal("http.8", "http.floor.8", at_most=2.0, figure=SERVER_TIME),
    Goal("http.8.key", "http.8", at_least=0.95),
    Goal("http.32", "single.transfer", at_least=1.7),
    Goal("http.batch.5000", "list.5000", at_least=0.6),
    Goal("queue.drain", "list.5000", at_least=0.25),
    Goal("queue.drain", "single.transfer", at_least=3),
    Goal("hot.32", "http.32", at_least=1.0),
    *(Goal(f"{MILLION}.{case.name}", case.name, at_least=0.9) for case in GROWING),
    *(Goal(f"{GROWN}.{case.name}", case.name, at_least=0.8) for case in (*GROWING, *READING)),
    # At most 1.5 times the time.
    Goal("history.1000000", "history.1000", at_least=0.67),
    Goal("balances.1000000", "balances.1000", at_least=0.67),
    Goal("read.history.busy", "read.history", at_least=0.67),
    Goal("read.history", "read.account", at_least=0.5),
    Goal("read.account.304", "read.account"),
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


def ratios(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Ratio]:
    """The goals whose two cases were measured.

    `figures` has each figure by case, in the order of the rounds. Two cases of one round run within
    minutes of each other, so under similar conditions.
    """
    found = []
    for goal in GOALS:
        by_case = figures.get(goal.figure, {})
        if goal.of in by_case and goal.to in by_case:
            pairs = zip(by_case[goal.of], by_case[goal.to], strict=True)
            found.append(Ratio(goal, median(a / b for a, b in pairs)))
    return found


def limits(run: Mapping[str, Any], cases: Iterable[Mapping[str, Any]]) -> list[tuple[Limit, float]]:
    """The limits of the measured cases, each with its figure."""
    of = {None: run, **{case["name"]: case for case in cases}}
    found = [(limit, of.get(limit.of, {}).get(limit.figure)) for limit in LIMITS]
    return [(limit, value) for limit, value in found if value is not None]
