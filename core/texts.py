"""Which texts the bank takes: any language and emoji, but nothing that hides or breaks anything.

Refused is what PostgreSQL cannot store (NUL, surrogates), what steers terminals and log viewers
(control characters), and what makes a text read otherwise than it is stored (bidirectional
embeddings, overrides and isolates: Unicode UAX #9, CVE-2021-42574).
"""

import re

# Ranges of Unicode code points, as they stand inside the brackets of a regular expression.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1, without tab and line feed
_SURROGATES = r"\ud800-\udfff"
_BIDIRECTIONAL = r"\u202a-\u202e\u2066-\u2069"
_NONCHARACTERS = r"\ufdd0-\ufdef" + "".join(
    rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(0x11)
)

_REFUSED_IN_TEXT = re.compile(f"[{_CONTROLS}{_SURROGATES}{_BIDIRECTIONAL}{_NONCHARACTERS}]")
_REFUSED_IN_LINE = re.compile(rf"[\t\n{_REFUSED_IN_TEXT.pattern[1:-1]}]")


def check_text(value: str, *, multiline: bool = False) -> None:
    """Raises ValueError, naming the character and its position, if the text must not be kept.

    Tab and line feed are for `multiline` only. A carriage return is refused in both, so that a text
    has one form only.
    """
    found = (_REFUSED_IN_TEXT if multiline else _REFUSED_IN_LINE).search(value)
    if found:
        code_point = f"U+{ord(found.group()):04X}"
        raise ValueError(f"The character {code_point} at position {found.start()} is not allowed.")
