"""Texts in CSV that a spreadsheet would run as a formula (CWE-1236).

A spreadsheet separates cells where its locale says: mostly at commas, else at semicolons or tabs,
at which no cell of our files is quoted. So a formula may begin within a text too.
"""

import re

STARTS = ("=", "+", "-", "@", "\t", "\r")
# A sign of a formula after what another separator makes the start of a cell. The same expression
# is one of PostgreSQL.
WITHIN = r'([;\t\r\n][" \t\r\n\v\f]*)([=+@-])'
_within = re.compile(WITHIN)


def neutralised(text: str) -> str:
    """The text, with an apostrophe before each sign with which a formula would begin."""
    text = _within.sub(r"\1'\2", text)
    return f"'{text}" if text.startswith(STARTS) else text


def neutralised_or_none(text: str | None) -> str | None:
    """The same for SQL, where NULL stays NULL."""
    return None if text is None else neutralised(text)
