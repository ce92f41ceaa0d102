"""Long polls: requests that wait for a change, a few in each process at most.

A process has few threads for requests. Waiting requests may take half of them; one that finds no
place is answered at once.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from core.heartbeat import heartbeat

LONGEST_WAIT_SECONDS = 25
_LOOK_SECONDS = 0.2
_USUAL_PLACES = 4

Answer = TypeVar("Answer")

_places = threading.BoundedSemaphore(_USUAL_PLACES)
_callers: set[str] = set()
_lock = threading.Lock()


def install(threads: int) -> None:
    """Called once by the server in each web process with so many threads."""
    global _places  # noqa: PLW0603 - one assignment, at start-up
    _places = threading.BoundedSemaphore(max(1, threads // 2))


@contextmanager
def place_of(caller: str) -> Iterator[bool]:
    """Whether this caller may wait: there is a place, and none of their requests waits already."""
    with _lock:
        has_place = caller not in _callers and _places.acquire(blocking=False)
        if has_place:
            _callers.add(caller)
    places = _places
    try:
        yield has_place
    finally:
        if has_place:
            with _lock:
                _callers.discard(caller)
            places.release()


def wait(
    look: Callable[[Answer], Answer],
    first: Answer,
    *,
    is_empty: Callable[[Answer], bool],
    seconds: float,
) -> Answer:
    """Looks five times a second, until an answer is not empty or the time is over.

    `look` gets the answer before. No database transaction is open between two looks.
    """
    deadline, answer = time.monotonic() + seconds, first
    while is_empty(answer) and (left := deadline - time.monotonic()) > 0:
        heartbeat()
        time.sleep(min(left, _LOOK_SECONDS))
        answer = look(answer)
    return answer
