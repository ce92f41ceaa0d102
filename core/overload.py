"""Refuses requests that waited too long for a thread of their web process.

Above its capacity a process would answer ever later, until clients no longer wait for what it still
works on. So it refuses some requests at once, and the others keep their latency. The rule is that
of Maurer, "Fail at Scale", ACM Queue 13(8), 2015, after the controlled delay of RFC 8289: a short
burst may wait for the whole limit. Once there has been a queue for as long as that, requests may
wait for a quarter of it, until the queue is empty again.
"""

import threading
import time

# A request that waited for less found no queue.
EMPTY_SECONDS = 0.02
STANDING_SHARE = 0.25


class Overload:
    """Decides by the waits of one process. `limit` is in seconds; times are of `monotonic`."""

    def __init__(self, limit: float, now: float) -> None:
        self._limit = limit
        self._empty_at = now

    def is_too_long(self, waited: float, now: float) -> bool:
        """Whether a request that has waited for so many seconds is refused.

        To be called for every request: the short waits tell that the queue is empty.
        """
        if waited < EMPTY_SECONDS:
            self._empty_at = now
            return False
        is_standing = now - self._empty_at > self._limit
        return waited > self._limit * (STANDING_SHARE if is_standing else 1)


class _Thread(threading.local):
    is_late = False


_overload: Overload | None = None
_thread = _Thread()


def install(milliseconds: int) -> None:
    """Called once by the server in each web process. Other processes refuse nothing. 0: never."""
    global _overload  # noqa: PLW0603 - one assignment, at start-up
    _overload = Overload(milliseconds / 1000, time.monotonic()) if milliseconds else None


def note(asked_at: float) -> None:
    """Called by the server in the thread of a request that came at `asked_at`, of `monotonic`."""
    if _overload is not None:
        now = time.monotonic()
        _thread.is_late = _overload.is_too_long(now - asked_at, now)


def is_late() -> bool:
    """Whether the request of this thread waited too long."""
    return _thread.is_late
