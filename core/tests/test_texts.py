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
    # Marks of direction are needed in mixed texts, and do not override the direction.
    + ["\u200fשכר (May)\u200e", "إيجار\u061c 5", "\U0010fffd", "\ufffd"]
    # Joiners that a script or an emoji needs.
    + ["می\u200cخواهم", "مُ\u200cن", "ه\u200d", "ক্\u200dষ", "র\u200d্য", "ന്\u200d", "ක්\u200dෂ"]
    + ["👨🏽\u200d⚕\ufe0f", "🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3", "❤\ufe0f", "葛\U000e0100城"]
    + ["🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "ᠠ\u180b"]
    + [" ", "\u3000", "José", "Jose\u0301", "נָ"],
)
@pytest.mark.parametrize("multiline", [False, True])
def test_plain_text_of_any_language_is_taken(text: str, multiline: bool) -> None:
    check_text(text, multiline=multiline)


_NOT_WHERE_NOTHING_JOINS = "\u200c\u200d\u200e\u200f\u061c\ufe0f\ufe00\U000e0100\U000e0067\u180b"
_REFUSED = [
    *"\u2028\u2029\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u2060\u2064\u206a\u3164\ufeff\uffa0",
    *"\ufff9\U0001d173\U000e0001\U000e0fff",
    *_NOT_WHERE_NOTHING_JOINS,
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
def test_a_forbidden_character_is_named(character: str, multiline: bool) -> None:
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


@pytest.mark.parametrize(
    "text",
    [
        "\u0301",
        "\u0301\u0308",
        " \u0301 ",
        "\u2800",
        "\u2800\u00a0\u2800",
        "\u0903",
    ],
    ids=ascii,
)
def test_marks_and_blanks_alone_are_nothing_that_can_be_seen(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The text has no character that can be seen\.$"):
        check_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u3164",
        "\u200d",
        "\u200f",
        "می\u200c",
        "می\u200c\u200cخ",
        "👩\u200d",
        "ab\u200f\u200e",
    ]
    + ["x\u200by", "🏴\U000e0067", "1\ufe0f2", "a\U000e0100"],
    ids=ascii,
)
def test_invisible_characters_that_change_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The character U\+[0-9A-F]{4,5} at position"):
        check_text(text)
