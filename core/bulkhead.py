"""Of the threads of a web process, at least one never waits long for a lock.

Threads that serve requests are few. Without a bound, requests for one account that somebody holds
take all of them, and then nobody is served, not even who asks whether the process lives.
"""

import threading
import time
from collections.abc import Hashable, Set
from dataclasses import dataclass

from core.errors import Busy

# Who has waited so long waits for more than a queue of other requests.
STUCK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Wait:
    wanted: Set[Hashable]
    since: float


class Bulkhead:
    """Counts who waits. `places` of them may wait as long as a lock time-out lets them."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._waits: dict[int, _Wait] = {}

    def enter(self, wanted: Set[Hashable]) -> bool:
        """Before a wait: whether this thread has a place. Without one it waits STUCK_SECONDS.

        Raises Busy, at once, where another thread is stuck with one of `wanted`: one that waits is
        enough to learn when it is free.
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

    def leave(self) -> None:
        """This thread has what it wanted, or gives up. It keeps its place between attempts."""
        with self._lock:
            self._waits.pop(threading.get_ident(), None)


_bulkhead: Bulkhead | None = None


def install(threads: int) -> None:
    """Called once in each web process, by the server. Others have no bound: they serve nobody."""
    global _bulkhead  # noqa: PLW0603 - one assignment, at start-up
    _bulkhead = Bulkhead(max(1, threads - 1))


def enter(wanted: Set[Hashable]) -> bool:
    """See `Bulkhead.enter`."""
    return _bulkhead is None or _bulkhead.enter(wanted)


def leave() -> None:
    """See `Bulkhead.leave`."""
    if _bulkhead is not None:
        _bulkhead.leave()
