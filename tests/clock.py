"""Travelling in time takes PostgreSQL's clock along, unless a test is about two clocks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import time_machine
from django.utils import timezone

from core import clock


def travel_together() -> None:
    """From now on, the bank's clock tells the time of `time_machine` while that travels.

    The clock of the server is the one of this machine: no test pays for a reading of it.
    """
    clock.told = _travelled
    clock._reading = time.perf_counter(), datetime.now(UTC)


@contextmanager
def clocks_apart() -> Iterator[None]:
    """In the block, `time_machine` changes the clock of this process, and not the database's."""
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
