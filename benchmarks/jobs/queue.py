"""The queue: how fast commands are accepted, and how fast one worker drains them."""

from benchmarks.jobs.choices import Choice
from benchmarks.jobs.commands import transfer
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target
from core.commands import Origin
from transactions.commands import Transfer
from transactions.queue.acceptance import accept
from transactions.queue.worker import Worker

_ORIGIN = Origin(caller="job:benchmark")
_BATCH = 500


def accepted(target: Target, seconds: float) -> Slice:
    """One command after another, stored as PENDING. Drains the queue after the clock stops."""
    choice = Choice(target)

    def store(command: Transfer) -> Moved:
        return Moved(len(accept([command], _ORIGIN)))

    measured = measure(lambda: transfer(choice), store, seconds)
    _drain(measured.moved.transactions)
    return measured


def drained(target: Target, seconds: float, *, length: int) -> Slice:
    """One worker, run as in production, on a queue of `length` transfers."""
    choice = Choice(target)

    def fill() -> int:
        for _ in range(length // _BATCH):
            accept([transfer(choice) for _ in range(_BATCH)], _ORIGIN)
        return length

    return measure(fill, _drain, seconds)


def _drain(expected: int) -> Moved:
    processed = Worker(once=True).run()
    assert processed >= expected
    return Moved(processed)
