"""A sign of life for the supervisor that ends this process when it seems stuck."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

# So few that even slow items, such as drawn rows, take seconds at most.
_ITEMS_TO_A_BEAT = 500


def _nobody_watches() -> None:
    pass


_beat: Callable[[], object] = _nobody_watches


def install(beat: Callable[[], object]) -> None:
    """Called once by the server that starts the process."""
    global _beat  # noqa: PLW0603 - one assignment, at start-up
    _beat = beat


def heartbeat() -> None:
    """Signals progress of a long response. Cheap; called for each part that the client takes."""
    _beat()


def watched(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, with a sign of life before each 500 of them."""
    for index, item in enumerate(items):
        if index % _ITEMS_TO_A_BEAT == 0:
            heartbeat()
        yield item
