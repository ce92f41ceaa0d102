"""Timing of one case in one slice of time."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.processors import Meter, ProcessorTime

Input = TypeVar("Input")

# The share of a slice before its clock starts, to warm up connections, statements and caches.
WARM_UP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Moved:
    """The effect of calls on the bank: transactions recorded, and net money paid in.

    `paid_in` is in 1/10,000 of the main unit.
    """

    transactions: int = 0
    paid_in: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.transactions + other.transactions, self.paid_in + other.paid_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The measurements of a case in one slice, and its effect on the bank.

    `latencies` are the seconds of each call, which may be a whole list of transactions. `moved`
    includes the warm-up. `cpu_share` is the CPU time of the job's own process per second: near 1 a
    load generator measures itself. `peak_megabytes` is the peak memory of a separate process.
    `processor_time` is that of the servers during the calls. The last three are None if unknown.
    """

    transactions: int
    latencies: list[float]
    seconds: float
    moved: Moved
    cpu_share: float | None = None
    peak_megabytes: float | None = None
    processor_time: ProcessorTime | None = None

    @property
    def rate(self) -> float:
        """Transactions per second."""
        return self.transactions / self.seconds

    @property
    def processor_time_of_a_call(self) -> ProcessorTime | None:
        """The servers' processor time divided by the calls."""
        return self.processor_time and self.processor_time / len(self.latencies)


@dataclass(slots=True)
class Calls:
    """Sequential calls, each timed on its own."""

    latencies: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    moved: Moved = field(default_factory=Moved)

    def add(self, call: Callable[[Input], Moved], argument: Input) -> float:
        """Makes one call; returns its seconds."""
        cpu, started = time.process_time(), time.perf_counter()
        moved = call(argument)
        elapsed = time.perf_counter() - started
        self.cpu_seconds += time.process_time() - cpu
        self.latencies.append(elapsed)
        self.moved += moved
        return elapsed


def measure(
    prepare: Callable[[], Input],
    call: Callable[[Input], Moved],
    seconds: float,
    *,
    warms_up: bool = True,
    meter: Meter | None = None,
) -> Slice:
    """Repeats `call` with the result of `prepare` until the calls have taken `seconds`.

    The clock stops while `prepare` runs. At least one call is timed, and one warms up unless calls
    are too long for that. `meter` is read before and after the timed calls.
    """
    warm_up = _calls_of(prepare, call, seconds * WARM_UP_SHARE) if warms_up else Calls()
    before = meter() if meter else None
    timed = _calls_of(prepare, call, seconds)
    used = meter() - before if meter and before else None
    elapsed = sum(timed.latencies)
    return Slice(
        transactions=timed.moved.transactions,
        latencies=timed.latencies,
        seconds=elapsed,
        moved=warm_up.moved + timed.moved,
        cpu_share=timed.cpu_seconds / elapsed,
        processor_time=used,
    )


def _calls_of(
    prepare: Callable[[], Input], call: Callable[[Input], Moved], seconds: float
) -> Calls:
    calls, left = Calls(), seconds
    while left > 0:
        left -= calls.add(call, prepare())
    return calls


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
