"""Time travel that includes PostgreSQL's clock, except in tests about two clocks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import time_machine
from django.utils import timezone

from core import clock


def travel_together() -> None:
    """From now on, the bank's clock follows `time_machine` during its travels.

    The server has the clock of this machine, so no test needs to read it.
    """
    clock.told = _travelled
    clock._reading = time.perf_counter(), datetime.now(UTC)


@contextmanager
def clocks_apart() -> Iterator[None]:
    """In the block, `time_machine` changes only this process's clock, not the database's."""
    clock.told = _as_it_is
    clock._reading = None
    try:
        yield
    finally:
        travel_together()


def _travelled(moment: datetime) -> datetime:
    return timezone.now() if time_machine.escape_hatch.is_travelling() else moment


def _as_it_is(moment: datetime) -> datetime:
    return moment
