"""Keeps at least one thread of a web process from a long wait for a lock.

A process has few threads for requests. Without a bound, requests for one locked account would
occupy all of them. The process would then serve nothing, not even the liveness probe.
"""

import threading
import time
from collections.abc import Hashable, Set
from dataclasses import dataclass

from core.errors import Busy

# A queue of other requests causes shorter waits than this.
STUCK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Wait:
    wanted: Set[Hashable]
    since: float


class Bulkhead:
    """Counts waiting threads. `places` of them may wait for the full lock time-out."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._waits: dict[int, _Wait] = {}

    def enter(self, wanted: Set[Hashable]) -> bool:
        """Call before a wait. Returns whether this thread has a place, else it waits STUCK_SECONDS.

        Raises Busy at once if another thread is stuck on one of `wanted`: one waiting thread is
        enough to notice when the lock is free.
        """
        me, now = threading.get_ident(), time.monotonic()
        with self._lock:
            others = [wait for thread, wait in self._waits.items() if thread != me]
            if any(now - wait.since > STUCK_SECONDS and wait.wanted & wanted for wait in others):
                raise Busy("The account is in use. Nothing was done.")
            if me not in self._waits:
                if len(others) >= self._places:
                    return False
                self._waits[me] = _Wait(wanted, now)
            return True

    def is_awaited(self, wanted: Set[Hashable], seconds: float) -> bool:
        """Whether another thread has waited for one of `wanted` for longer than `seconds`."""
        me, now = threading.get_ident(), time.monotonic()
        with self._lock:
            return any(
                now - wait.since > seconds and wait.wanted & wanted
                for thread, wait in self._waits.items()
                if thread != me
            )

    def leave(self) -> None:
        """Call when this thread has its locks, or gives up. It keeps its place between attempts."""
        with self._lock:
            self._waits.pop(threading.get_ident(), None)


_bulkhead: Bulkhead | None = None


def install(threads: int) -> None:
    """Called once by the server in each web process. Other processes have no bound."""
    global _bulkhead  # noqa: PLW0603 - one assignment, at start-up
    _bulkhead = Bulkhead(max(1, threads - 1))


def enter(wanted: Set[Hashable]) -> bool:
    """See `Bulkhead.enter`."""
    return _bulkhead is None or _bulkhead.enter(wanted)


def is_awaited(wanted: Set[Hashable], seconds: float) -> bool:
    """See `Bulkhead.is_awaited`."""
    return _bulkhead is not None and _bulkhead.is_awaited(wanted, seconds)


def leave() -> None:
    """See `Bulkhead.leave`."""
    if _bulkhead is not None:
        _bulkhead.leave()
