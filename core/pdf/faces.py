"""The fonts of documents, and which of them has a character. They lie in `fonts/`."""

from functools import cache
from pathlib import Path
from typing import Any

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

_FOLDER = Path(__file__).parent / "fonts"
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
_ARABIC, _HEBREW, _CJK = "NotoSansArabic-Regular", "NotoSansHebrew-Regular", "DroidSansFallback"
# The first code point, the last one, and the font for them.
_SCRIPTS = (
    (0x0590, 0x05FF, _HEBREW),
    (0x0600, 0x08FF, _ARABIC),
    (0x2E80, 0xD7A3, _CJK),
    (0xF900, 0xFAFF, _CJK),
    (0xFB1D, 0xFB4F, _HEBREW),
    (0xFB50, 0xFDFF, _ARABIC),
    (0xFE30, 0xFE4F, _CJK),
    (0xFE70, 0xFEFC, _ARABIC),
    (0xFF00, 0xFFEF, _CJK),
)
UNKNOWN = "\ufffd"


@cache
def face(name: str) -> Any:
    """The font of reportlab, read once for each process: 0.02 s, the Chinese one 0.3 s."""
    font = TTFont(name, str(_FOLDER / f"{name}.ttf"), shapable=False)
    registerFont(font)
    return font


class Glyphs(dict[str, tuple[str, str, float]]):
    """For each character: the name of its font, the character to draw, its width at size 1.

    A character of an unsupported script, such as Thai, or an emoji, is drawn as U+FFFD.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, character: str) -> tuple[str, str, float]:
        code = ord(character)
        for name in (self.name, *(name for low, high, name in _SCRIPTS if low <= code <= high)):
            widths: dict[int, float] = face(name).face.charWidths
            if code in widths:
                found = name, character, widths[code] / 1000
                break
        else:
            found = self[UNKNOWN]
        self[character] = found
        return found


GLYPHS = {False: Glyphs(REGULAR), True: Glyphs(BOLD)}
