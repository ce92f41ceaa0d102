"""What is asked of the rates: ratios between cases of one run, so that no machine is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# A goal counts as met within a tenth: medians of a few rounds are no more exact than that.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Goal:
    """The rate of case `of` is at least `at_least` times the rate of case `to`. None: just told."""

    of: str
    to: str
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A goal, measured. `value` is the median of the ratios within each round."""

    goal: Goal
    value: float

    @property
    def is_met(self) -> bool | None:
        """None where there is no goal to meet."""
        if self.goal.at_least is None:
            return None
        return self.value >= self.goal.at_least * (1 - TOLERANCE)


GOALS: Sequence[Goal] = (
    Goal("single.transfer", "raw.transfer", at_least=0.5),
    Goal("list.5000", "copy.5000", at_least=0.5),
    Goal("list.5000", "single.transfer", at_least=15),
    Goal("queue.drain", "single.transfer", at_least=3),
    Goal("queue.drain", "list.5000", at_least=0.15),
    Goal("http.8", "single.transfer", at_least=0.6),
    Goal("hot.32", "http.32", at_least=0.5),
    Goal("single.transfer", "pgbench.1"),
    Goal("http.8", "pgbench.8"),
    Goal("list.1000", "sqlite.list.1000"),
)


def ratios(rates: Mapping[str, Sequence[float]]) -> list[Ratio]:
    """The goals whose two cases were measured; `rates` are by case, in the order of the rounds.

    Two cases of one round ran within minutes, on the machine as it was then.
    """
    return [
        Ratio(goal, median(a / b for a, b in zip(rates[goal.of], rates[goal.to], strict=True)))
        for goal in GOALS
        if goal.of in rates and goal.to in rates
    ]
