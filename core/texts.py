"""Validation of texts: any language and emoji, but no characters that hide or break anything.

The check refuses characters that PostgreSQL cannot store (NUL, surrogates), that control terminals
and log viewers (control characters, line separators), and that make a text read differently from
its stored form (bidirectional embeddings, overrides and isolates: Unicode UAX #9, CVE-2021-42574).
It also refuses invisible characters: two different names would look the same.

Some invisible characters are needed to write a script or an emoji. They are allowed in that use:
joiners (RFC 5892, appendix A.1 and A.2; Unicode UTS #51), variation selectors, and directional
marks in a text with right-to-left letters.
"""

import re
import unicodedata

# The longest reason that is kept with a decision or a change.
MAX_REASON_LENGTH = 500

# Ranges of Unicode code points, for use inside the brackets of a regular expression.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # C0 and C1, without tab and line feed
_SURROGATES = r"\ud800-\udfff"
_BIDIRECTIONAL = r"\u202a-\u202e\u2066-\u2069"
_NONCHARACTERS = r"\ufdd0-\ufdef" + "".join(
    rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(0x11)
)

_REFUSED_IN_TEXT = re.compile(f"[{_CONTROLS}{_SURROGATES}{_BIDIRECTIONAL}{_NONCHARACTERS}]")
_REFUSED_IN_LINE = re.compile(rf"[\t\n{_REFUSED_IN_TEXT.pattern[1:-1]}]")

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties), and annotation marks.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_DIRECTIONS = frozenset("\u061c\u200e\u200f")
_RIGHT_TO_LEFT = ("R", "AL")
_KEYS, _KEYCAP, _EMOJI_VARIANT = tuple("0123456789#*"), "\u20e3", "\ufe0f"
_MONGOLIAN = re.compile(r"[\u1800-\u18af][\u180b-\u180f]")
# Regional flags: a black flag, invisible letters, and a terminator (UTS #51, ED-14a).
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_VIRAMA = 9  # The canonical combining class of the signs that join letters of Indic scripts.
_BRAILLE_BLANK = "\u2800"


def check_text(value: str, *, multiline: bool = False) -> None:
    """Raises ValueError, naming the character and its position, if the text is not allowed.

    Tab and line feed are for `multiline` only. A carriage return is always refused, so that a text
    has only one form. Blanks alone are a text here; a field that needs words checks that itself.
    """
    found = (_REFUSED_IN_TEXT if multiline else _REFUSED_IN_LINE).search(value)
    if found:
        raise ValueError(_not_allowed(value, found.start()))
    if value.isascii():
        return
    if _INVISIBLE.search(value):
        _check_invisible(value)
    if value.strip() and not any(map(_is_visible, value)):
        raise ValueError("The text has no character that can be seen.")


def _not_allowed(value: str, position: int) -> str:
    return f"The character U+{ord(value[position]):04X} at position {position} is not allowed."


def _check_invisible(value: str) -> None:
    # Replaces the invisible parts of a flag by visible characters: in a flag they are allowed.
    text = _FLAG.sub(lambda flag: "\U0001f3f4" * len(flag.group()), value)
    for found in _INVISIBLE.finditer(text):
        position = found.start()
        if not _has_a_use(found.group(), text[:position], text[position + 1 :]):
            raise ValueError(_not_allowed(value, position))


def _has_a_use(character: str, before: str, after: str) -> bool:
    """Whether an invisible character is needed to write the text around it."""
    last, following = before[-1:], after[:1]
    if character in (_NON_JOINER, _JOINER):
        return _joins(character, before, following)
    if character in _DIRECTIONS:
        others = (one for one in before + after if one not in _DIRECTIONS)
        return any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in others)
    if "\ufe00" <= character <= _EMOJI_VARIANT:
        is_keycap = last in _KEYS and following == _KEYCAP
        return is_keycap or _is_sign(last, "SP") or _is_ideograph(last)
    if "\U000e0100" <= character <= "\U000e01ef":  # variants of ideographs, as in Japanese names
        return _is_ideograph(last)
    return _MONGOLIAN.fullmatch(last + character) is not None


def _joins(character: str, before: str, following: str) -> bool:
    last = before[-1:]
    if any(unicodedata.combining(one) == _VIRAMA for one in last + following):
        return True
    if character == _JOINER and _is_sign(following, "S"):
        return _is_sign(last, "S") or last == _EMOJI_VARIANT
    # A letter with its marks before it; a joiner may also end a word.
    base = next((one for one in reversed(before) if not unicodedata.combining(one)), "")
    return _is_cursive(base) and (character == _JOINER or _is_cursive(following))


def _is_cursive(character: str) -> bool:
    """A letter of a script that joins its letters: Arabic as in Persian, Syriac, N'Ko, Mongolian.

    Directional marks have the class of letters but are not letters.
    """
    return unicodedata.category(character or " ") in ("Lo", "Lm") and (
        unicodedata.bidirectional(character) == "AL"
        or "\u07c0" <= character <= "\u07ff"
        or "\u1800" <= character <= "\u18af"
    )


def _is_sign(character: str, categories: str) -> bool:
    """An emoji or another symbol beyond ASCII, skin tones included."""
    return not character.isascii() and unicodedata.category(character)[0] in categories


def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character or "a", "").startswith("CJK ")


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category[0] not in "ZM"
        and category not in ("Cc", "Cf")
        and character != _BRAILLE_BLANK
        and not _INVISIBLE.match(character)
    )
