"""The length of a run and the size of its banks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from benchmarks.cases import FILES, GROWN, HUNDRED_THOUSAND, MILLION


@dataclass(frozen=True, slots=True)
class Plan:
    """Each case once a round, for `seconds`. `accounts` is the number of accounts in each bank.

    `stored` has the number of transactions of a bank before any load; other banks have only their
    initial deposits. They are spread `over` the time until now, or follow each other at once. The
    job `filled_by` stores them.
    `web_workers` None stands for the bank's default.
    """

    rounds: int = 5
    seconds: float = 1.0
    accounts: int = 1000
    stored: Mapping[str, int] = field(
        default_factory=lambda: {FILES: 20_000, HUNDRED_THOUSAND: 100_000, MILLION: 1_000_000}
    )
    over: timedelta = timedelta(0)
    filled_by: str = "past.store"
    pgbench_scale: int = 10
    web_workers: int | None = None


FULL = Plan()
# A year that a bank has behind it: statistics by day span at most 366 days.
GROWTH = Plan(
    stored={HUNDRED_THOUSAND: 100_000, GROWN: 10_000_000},
    over=timedelta(days=364),
    filled_by="growing.grow",
)
# A smoke test: its figures mean nothing.
QUICK = Plan(
    rounds=1,
    seconds=0.2,
    accounts=50,
    stored={FILES: 100, HUNDRED_THOUSAND: 3000, MILLION: 2000},
    pgbench_scale=1,
    web_workers=1,
)
QUICK_GROWTH = replace(
    QUICK,
    stored={HUNDRED_THOUSAND: 3000, GROWN: 6000},
    over=GROWTH.over,
    filled_by=GROWTH.filled_by,
)
