"""The heartbeat of a lease."""

import threading
from typing import Any

import pytest
from django.db import Error as DatabaseError

from core import leases


class Times(threading.Event):
    """Done after so many waits, which it keeps, in seconds."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return len(self.waits) > self.count


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connection of the thread that beats: here the test's, which stays open."""
    found: list[str] = []
    monkeypatch.setattr(leases.connection, "close", lambda: found.append("closed"))
    return found


def test_it_beats_twice_within_a_lease_at_least_also_after_a_failure(
    settings: Any, closed: list[str]
) -> None:
    settings.WORKER_LEASE_SECONDS = 60
    times = Times(3)
    beats: list[int] = []
    lost: list[int] = []

    def extend() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise DatabaseError

    leases.beat(extend, times, lambda: lost.append(1))
    assert (len(beats), lost, len(closed)) == (3, [], 2)
    assert 0 < max(times.waits) <= 60 / 2


def test_a_lost_lease_is_told_once_and_beats_no_more() -> None:
    times = Times(3)
    lost: list[int] = []
    leases.beat(lambda: False, times, lambda: lost.append(1))
    assert (lost, len(times.waits)) == ([1], 1)


def test_it_beats_beside_the_work_and_ends_with_it(settings: Any) -> None:
    settings.WORKER_LEASE_SECONDS = 0.03
    beaten = threading.Event()
    threads = set(threading.enumerate())
    with leases.extended(beaten.set):
        assert beaten.wait(5)
    assert set(threading.enumerate()) <= threads
