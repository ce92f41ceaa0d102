"""Names with their values, one below the other."""

from collections.abc import Sequence

from core.pdf.pages import DARK, GREY, MARGIN, Pages
from core.pdf.text import width, wrapped

_SIZE, _LEADING, _NAMES = 9.0, 13.0, 90.0


def put_facts(
    pages: Pages, top: float, facts: Sequence[tuple[str, str]], *, room: float, most_lines: int
) -> float:
    """Draws the facts that have a value, down from `top`. Returns the lower edge.

    A value has `room` points, and is cut with an ellipsis after `most_lines`.
    """
    y = top
    for name, value in facts:
        lines = _at_most(most_lines, wrapped(value, room, _SIZE), room)
        if lines:
            pages.put(MARGIN, y, name, _SIZE, role="P", colour=GREY)
        for line in lines:
            pages.put(MARGIN + _NAMES, y, line, _SIZE, role="P", colour=DARK)
            y -= _LEADING
    return y


def _at_most(most: int, lines: list[str], room: float) -> list[str]:
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and width(f"{last}…", _SIZE) > room:
        last = last[:-1]
    return [*lines[: most - 1], f"{last}…"]
