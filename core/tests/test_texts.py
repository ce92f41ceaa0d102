import pytest

from core.texts import check_text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rent for May",
        "naïve café",
        "賃貸料",
        "إيجار",
        "שכר דירה",
        "👩‍👩‍👧 🏦",
        "=cmd|' /C calc'!A0",
        "+1",
    ]
    + ["@SUM(A1)", "<script>alert(1)</script>", "'; DROP TABLE x; --", "{{ 7*7 }}", "a\u00a0b"]
    # Marks of direction are needed in mixed texts, and override nothing.
    + ["\u200eabc\u200f", "\U0010fffd", "\ufffd"],
)
@pytest.mark.parametrize("multiline", [False, True])
def test_plain_text_of_any_language_is_taken(text: str, multiline: bool) -> None:
    check_text(text, multiline=multiline)


_REFUSED = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\t\n"),
    *(chr(code) for code in range(0x7F, 0xA0)),
    *(chr(code) for code in range(0x202A, 0x202F)),
    *(chr(code) for code in range(0x2066, 0x206A)),
    "\ud800",
    "\udbff",
    "\udc00",
    "\udfff",
    *(chr(code) for code in range(0xFDD0, 0xFDF0)),
    *(chr(plane * 0x10000 + last) for plane in range(0x11) for last in (0xFFFE, 0xFFFF)),
]


@pytest.mark.parametrize("character", _REFUSED, ids=lambda character: f"U+{ord(character):04X}")
@pytest.mark.parametrize("multiline", [False, True])
def test_what_hides_or_breaks_is_refused_by_name(character: str, multiline: bool) -> None:
    with pytest.raises(ValueError) as raised:
        check_text(f"ab{character}c", multiline=multiline)
    assert str(raised.value) == (
        f"The character U+{ord(character):04X} at position 2 is not allowed."
    )


@pytest.mark.parametrize("character", ["\t", "\n"])
def test_tab_and_line_feed_only_in_multiline_text(character: str) -> None:
    check_text(f"a{character}b", multiline=True)
    with pytest.raises(ValueError, match=r"position 1 is not allowed"):
        check_text(f"a{character}b")
