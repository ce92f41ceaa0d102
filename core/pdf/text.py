"""Text as it is drawn: glyphs from left to right, whatever the direction of the script."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from arabic_reshaper import ArabicReshaper
from bidi import get_display

from core.pdf.faces import GLYPHS

# Hebrew, Arabic and their neighbours, with the forms that fonts have for them.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Invisible characters, which have done their work once the text is in the order of display.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_reshaper = ArabicReshaper(configuration={"delete_harakat": False, "shift_harakat_position": True})


class Drawn(NamedTuple):
    """Pieces of one font each, left to right. The width is that at size 1.

    `needs_words`: a reader that copies the glyphs would not get the text. Readers bring text that
    runs from right to left into its order by themselves, and would reverse words given to them.
    """

    pieces: tuple[tuple[str, str], ...]
    width: float
    needs_words: bool


@lru_cache(maxsize=4096)
def drawn(text: str, *, bold: bool = False) -> Drawn:
    """The text in the order of display, in the fonts that have its characters."""
    visual = text
    is_reordered = bool(_RIGHT_TO_LEFT.search(text))
    if is_reordered:
        visual = get_display(_reshaper.reshape(text))
    if not visual.isascii():
        visual = _INVISIBLE.sub("", visual)
    glyphs = [GLYPHS[bold][character] for character in visual]
    pieces = tuple(
        (name, "".join(glyph[1] for glyph in of_font))
        for name, of_font in groupby(glyphs, key=itemgetter(0))
    )
    is_other = "".join(piece for _, piece in pieces) != text
    return Drawn(pieces, sum(glyph[2] for glyph in glyphs), is_other and not is_reordered)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """In points."""
    return drawn(text, bold=bold).width * size


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The text in lines of at most `room` points, broken at blanks and, in long words, anywhere.

    The lines are in logical order. Line feeds and tabs of the text are blanks here. An empty text
    has no lines.
    """
    if len(text) * size < room and text.isascii() and text.isprintable():
        return [text] if text.strip() else []  # No character is wider than the size.
    lines: list[str] = []
    line, used = "", 0.0
    blank = width(" ", size)
    for word in text.split():
        for index, (part, wide) in enumerate(_parts(word, room, size)):
            # The further parts of a broken word begin a line: no blank is added within a word.
            if line and (index or used + blank + wide > room):
                lines.append(line)
                line, used = "", 0.0
            line, used = (f"{line} {part}", used + blank + wide) if line else (part, wide)
    return [*lines, line] if line else lines


def _parts(word: str, room: float, size: float) -> Iterator[tuple[str, float]]:
    """The word, or where it is wider than a line its parts; each with its width.

    A letter keeps its combining marks.
    """
    whole = sum(GLYPHS[False][character][2] for character in word) * size
    if whole <= room:
        yield word, whole
        return
    part, used = "", 0.0
    for character in word:
        wide = GLYPHS[False][character][2] * size
        if part and used + wide > room and not unicodedata.combining(character):
            yield part, used
            part, used = "", 0.0
        part, used = part + character, used + wide
    yield part, used
