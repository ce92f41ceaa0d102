"""A sign of life for the supervisor that ends this process when it seems stuck."""

from collections.abc import Callable


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
