"""Durations as people read them."""

from core.console.admin import EMPTY


def shown_time(microseconds: int | None) -> str:
    """What is completed as it is made has one moment for both, and takes no time between them."""
    if microseconds is None:
        return EMPTY
    return in_seconds(microseconds) if microseconds else "At once"


def in_seconds(microseconds: int) -> str:
    """The time in the unit that suits it: "0 ms", "455 ms", "12.5 s", "3.2 h"."""
    for size, unit in ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min")):
        if microseconds >= size:
            return f"{microseconds / size:.1f} {unit}"
    if microseconds >= 1_000_000:
        return f"{microseconds / 1_000_000:.3g} s"
    return f"{microseconds / 1000:.3g} ms"
