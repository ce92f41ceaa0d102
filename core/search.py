"""Text search: the same matches on every database, regardless of case and accents.

A database folds letters by its locale, or ASCII only, and does not know that "é" may be one
character or two. So the stored texts stay as they are, and search words become regular expressions
of plain character sets, which every database reads in the same way. A character matches all forms
of its letter in Unicode: its cases (casefold), its compatible forms (NFKD) and those with accents.
See docs/adr/0014-search-by-sets-of-characters.md.
"""

import re
import unicodedata
from collections import defaultdict
from functools import cache, reduce
from operator import and_

from django.db.models import Q

# Accents and vowel points (Unicode category Mn), and invisible joiners. Marks of Indic scripts are
# left out: there they are letters.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u1ab0-\u1ace\u1dc0-\u1dff\u200c\u200d\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f"
)
_MARK = re.compile(f"[{_MARKS}]")
_HANGUL = range(0xAC00, 0xD7A4)
# Above this code point only ideographs have a case or a compatible form.
_LAST = 0x1FBFF
# Longer runs are symbols that occur in no names.
_RUNS = (3, 2)


def contains(field: str, text: str) -> Q:
    """Rows whose `field` contains every word of `text`, in any order, anywhere.

    No rows if the text has no word.
    """
    patterns = [_pattern(word) for word in dict.fromkeys(words_in(text))]
    if not patterns:
        return Q(pk__in=())
    return reduce(and_, (Q(**{f"{field}__regex": pattern}) for pattern in patterns))


def words_in(text: str) -> list[str]:
    """The words of a search, folded. Commas after words go: people write "Hopper, Grace"."""
    return [word.strip(",;") or word for word in folded(text).split()]


def folded(text: str) -> str:
    """One text for all texts that are equal in a search. Hangul syllables stay whole."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(map(_letters, composed))


def _letters(character: str) -> str:
    """The letters that find a character: mostly one, none for a mark, two for some like "ß"."""
    if ord(character) in _HANGUL:
        return character
    folded = unicodedata.normalize("NFKD", character).casefold()
    return _MARK.sub("", unicodedata.normalize("NFKD", folded))


@cache
def _forms() -> dict[str, list[str]]:
    """The characters, other than itself, that each letter or short run of letters matches."""
    forms: dict[str, list[str]] = defaultdict(list)
    for code in range(_LAST + 1):
        character = chr(code)
        if code in _HANGUL or unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc"):
            continue
        letters = _letters(character)
        if letters != character and 1 <= len(letters) <= max(_RUNS) and " " not in letters:
            forms[letters].append(character)
    return dict(forms)


def _pattern(word: str) -> str:
    """A regular expression for a word without accents. PostgreSQL and Python read it alike."""
    parts = []
    position = 0
    while position < len(word):
        ends = (position + length for length in _RUNS if position + length <= len(word))
        run = next((word[position:end] for end in ends if word[position:end] in _forms()), None)
        parts.append(_run(run) if run else _one(word[position]))
        position += len(run or "x")
    return f"[{_MARKS}]*".join(parts)


def _run(run: str) -> str:
    """Letters that one character may represent, in part or as a whole, like "ffi"."""
    ways = [f"[{_MARKS}]*".join(map(_one, run))]
    if len(run) > 2:
        ways += [_set(forms) + _one(run[-1]) for forms in [_forms().get(run[:-1], [])] if forms]
        ways += [_one(run[0]) + _set(forms) for forms in [_forms().get(run[1:], [])] if forms]
    return f"(?:{'|'.join([*ways, _set(_forms()[run])])})"


def _one(letter: str) -> str:
    if ord(letter) in _HANGUL:  # One character, or its two or three parts.
        return f"(?:{letter}|{unicodedata.normalize('NFD', letter)})"
    return _set([letter, *_forms().get(letter, ())])


def _set(characters: list[str]) -> str:
    escaped = (f"\\{one}" if one.isascii() and not one.isalnum() else one for one in characters)
    return f"[{''.join(escaped)}]"
