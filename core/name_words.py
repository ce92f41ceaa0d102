"""Names by their words, found by an index on every database: see docs/adr/0025.

An app with names has a table of their words, a subclass of NameWord, and writes it together with
the names. Words are folded as in `core.search`, so case and accents do not matter. A search finds
words by their beginnings. The words are copies: `catch_up` makes them again from the names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.search import folded, words_in

# A longer word is stored, and sought, by its beginning.
MAX_LENGTH = 40
_PIECES = re.compile(r"[^\W_]+")
_ROWS_AT_ONCE = 1000


class NameWord(models.Model):
    """Base of the tables of words. Each row is one word of the names of `row`.

    A subclass adds `row`, a foreign key without an index of its own, a unique constraint on row and
    word, and the index of `word_index`. `named_by` are the columns with the names, as paths from
    the row.
    """

    named_by: ClassVar[tuple[str, ...]]

    word = models.CharField(max_length=MAX_LENGTH)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return self.word


# A table of words. `Any` because the subclasses have the column `row`.
Words = Any


def word_index(name: str) -> models.Index:
    """Finds words by their beginnings, whatever the language of the database."""
    return models.Index(fields=["word", "row"], name=name, opclasses=["varchar_pattern_ops", ""])


def words_of(*names: str) -> set[str]:
    """The words to store: the parts of the names between blanks, and between other signs."""
    texts = [folded(name) for name in names]
    found = (word for text in texts for word in (*text.split(), *_PIECES.findall(text)))
    return {word[:MAX_LENGTH] for word in found}


def sought_words(text: str) -> list[str]:
    """The words of a search, each once, the longest first: few names have it."""
    words = {word[:MAX_LENGTH] for word in words_in(text)}
    return sorted(words, key=lambda word: (-len(word), word))


def begins(field: str, text: str) -> Q:
    """Rows whose `field` begins with `text`, exactly, by an index of the field."""
    if connection.vendor == "postgresql":
        return Q(**{f"{field}__startswith": text})
    # SQLite's LIKE uses no index. Its columns are ordered by code points.
    return Q(**{f"{field}__gte": text, f"{field}__lt": f"{text}\U0010ffff"})


def rows_named(words: Words, text: str) -> QuerySet[Any, Any]:
    """The keys of the rows that have, for each word of `text`, a word that begins with it.

    A key may occur twice. No keys for a text without a word.
    """
    sought = sought_words(text)
    found = words.objects.values_list("row_id")
    if not sought:
        return found.none()  # type: ignore[no-any-return]
    found = found.filter(begins("word", sought[0]))
    for word in sought[1:]:
        found = found.filter(
            Exists(words.objects.filter(begins("word", word), row=OuterRef("row")))
        )
    return found  # type: ignore[no-any-return]


def add_words(words: Words, *rows: models.Model) -> None:
    """Stores the words of new rows. One statement for each thousand words."""
    _add(words, [(row.pk, words_of(*_names(words, row))) for row in rows])


def keep_words(words: Words, row: models.Model) -> None:
    """Stores the words of a row whose name has changed, and removes those of its old name."""
    wanted = words_of(*_names(words, row))
    words.objects.filter(row=row.pk).exclude(word__in=wanted).delete()
    _add(words, [(row.pk, wanted)])


def catch_up() -> int:
    """Adds the words of rows without any, as an import or an older release leaves them.

    Returns the number of rows.
    """
    return sum(_mended(whole=False))


def mend() -> Iterator[int]:
    """Mends the words of all rows, a thousand rows at a time; gives the number of mended ones.

    An older release writes no words, also for a name that it changes.
    """
    return _mended(whole=True)


def _mended(*, whole: bool) -> Iterator[int]:
    for words in NameWord.__subclasses__():
        for page in _pages(words, whole=whole):
            yield _mend(words, page)


def _rows_of(words: Words) -> QuerySet[Any]:
    rows: QuerySet[Any] = words._meta.get_field("row").related_model.objects.order_by("pk")
    return rows


def _pages(words: Words, *, whole: bool) -> Iterator[dict[Any, set[str]]]:
    """All rows in the order of their keys, a thousand at a time: key and wanted words."""
    rows = _rows_of(words)
    if not whole:
        rows = rows.filter(~Exists(words.objects.filter(row=OuterRef("pk"))))
    last = None
    while True:
        part = rows.filter(pk__gt=last) if last is not None else rows
        page = _wanted(words, part[:_ROWS_AT_ONCE])
        if not page:
            return
        last = max(page)
        yield page


def _wanted(words: Words, rows: QuerySet[Any]) -> dict[Any, set[str]]:
    named = rows.values_list("pk", *words.named_by)
    return {key: words_of(*filter(None, names)) for key, *names in named}


def _mend(words: Words, wanted: dict[Any, set[str]]) -> int:
    """Mends the rows of a page that are wrong. Reads them again, locked: a name may just change."""
    stored = _stored(words, wanted)
    wrong = [key for key, kept in wanted.items() if kept != stored[key]]
    if not wrong:
        return 0
    rows = _rows_of(words).filter(pk__in=wrong)
    with transaction.atomic():
        locked = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
        wanted, stored = _wanted(words, rows), _stored(words, locked)
        for key in wanted:
            if extra := stored[key] - wanted[key]:
                words.objects.filter(row=key, word__in=extra).delete()
        _add(words, [(key, wanted[key] - stored[key]) for key in wanted])
    return len(locked)


def _stored(words: Words, keys: Iterable[Any]) -> dict[Any, set[str]]:
    stored: dict[Any, set[str]] = defaultdict(set)
    for key, word in words.objects.filter(row__in=list(keys)).values_list("row_id", "word"):
        stored[key].add(word)
    return stored


def _add(words: Words, found: Iterable[tuple[Any, set[str]]]) -> None:
    rows = [words(row_id=key, word=word) for key, texts in found for word in sorted(texts)]
    words.objects.bulk_create(rows, batch_size=_ROWS_AT_ONCE, ignore_conflicts=True)


def _names(words: Words, row: models.Model) -> Iterator[str]:
    for path in words.named_by:
        value: Any = row
        for part in path.split("__"):
            value = value and getattr(value, part)
        if value:
            yield value
