"""Text on pages: in lines that fit, in any script, in the order of display."""

import pytest

from core.pdf.faces import GLYPHS, REGULAR, UNKNOWN
from core.pdf.text import drawn, width, wrapped

ROOM, SIZE = 120.0, 8.0


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "several words that need more than one line of this width",
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
        "とても長い説明です、とても長い説明です、とても長い説明です",
        "شركة النور للتجارة والمقاولات العامة المحدودة في المنامة",
        "a" * 500,
        "mixed 李小龍商店 with Latin words, and even more of them",
    ],
)
def test_lines_fit_and_lose_nothing(text: str) -> None:
    lines = wrapped(text, ROOM, SIZE)
    assert all(0 < width(line, SIZE) <= ROOM for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_kept_whole_where_they_fit() -> None:
    assert wrapped("one two three", width("one two", SIZE) + 0.01, SIZE) == ["one two", "three"]


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_has_no_lines(text: str) -> None:
    assert wrapped(text, ROOM, SIZE) == []


def test_a_line_feed_is_a_blank() -> None:
    assert wrapped("one\ntwo\tthree", ROOM, SIZE) == ["one two three"]


def test_marks_stay_with_their_letter() -> None:
    lines = wrapped("e\u0301" * 100, 40, SIZE)
    assert all(line.startswith("e") for line in lines)


def test_hebrew_is_drawn_from_the_right() -> None:
    found = drawn("ab דמי 10")
    assert "".join(piece for _, piece in found.pieces) == "ab 10 ימד"
    assert not found.needs_words


def test_arabic_letters_are_joined() -> None:
    ((_, piece),) = drawn("محمد").pieces
    assert piece == "\ufeaa\ufee4\ufea4\ufee3"  # Final, medial, medial, initial: from the left.


def test_each_script_has_its_font() -> None:
    fonts = [name for name, _ in drawn("Aя 中 ا").pieces]
    assert fonts[0] == REGULAR
    assert {"DroidSansFallback", "NotoSansArabic-Regular"} <= set(fonts)


@pytest.mark.parametrize("text", ["👍", "ไ", "𝄞"])
def test_unknown_characters_are_shown_as_such(text: str) -> None:
    assert drawn(text).pieces == ((REGULAR, UNKNOWN),)
    assert drawn(text).needs_words


def test_invisible_characters_take_no_room() -> None:
    assert drawn("a\u200db").pieces == ((REGULAR, "ab"),)


@pytest.mark.parametrize("is_bold", [True, False])
def test_digits_are_equally_wide(is_bold: bool) -> None:
    assert len({GLYPHS[is_bold][digit][2] for digit in "0123456789"}) == 1
