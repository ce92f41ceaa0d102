"""A bound for documents of many lines: a web process writes only a few of them at once.

A long document takes processor time for many seconds. Without a bound, one reader who asks for many
at once would keep a process from everything else.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TypeVar

from core.errors import Busy

T = TypeVar("T")

# Documents of up to so many lines take no place: they are done in a moment.
SMALL = 1_000
PLACES = 2
RETRY_AFTER_SECONDS = 5
_places = threading.BoundedSemaphore(PLACES)


@contextmanager
def place_for(lines: int) -> Iterator[None]:
    """Holds a place while a document of so many lines is read and written.

    Raises Busy at once if there is none.
    """
    if lines <= SMALL:
        yield
        return
    if not _places.acquire(blocking=False):
        raise Busy(
            "Other long documents are being written. Try again in some seconds.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    try:
        yield
    finally:
        _places.release()


def taking_place(rows: Iterable[T], held: ExitStack) -> Iterator[T]:
    """The rows of a document of unknown length; takes a place once there are many.

    `held` holds it, until the document is written. Raises Busy if there is none.
    """
    waiting = iter(rows)
    yield from islice(waiting, SMALL)
    for row in waiting:
        held.enter_context(place_for(SMALL + 1))
        yield row
        break
    yield from waiting
