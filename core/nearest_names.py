"""The nearest words to one that no name has, where PostgreSQL has its extension pg_trgm.

`migrate` creates the extension and its indexes where it may. Elsewhere, and on SQLite, there is no
nearest word.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import DatabaseError, connection, connections, transaction

from core import database_errors
from core.name_words import NameWord, Words, catch_up, rows_named, sought_words

logger = structlog.get_logger("bank.search")

_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
_IS_THERE = "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"
# Words that share fewer of their groups of three letters look like nothing that was meant.
_NEAREST = """
    SELECT word FROM {table} WHERE word %% %s AND similarity(word, %s) >= 0.4
    ORDER BY similarity(word, %s) DESC, word LIMIT 1"""


def nearest_word(words: Words, word: str) -> str:
    """The stored word that looks most like `word`; "" if none does or the database cannot tell."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(_IS_THERE)
        if cursor.fetchone() is None:
            return ""
        cursor.execute(_NEAREST.format(table=words._meta.db_table), [word] * 3)
        found = cursor.fetchone()
    return found[0] if found else ""


def nearest_text(text: str, tables: Sequence[Words]) -> str:
    """The text with each word that no name has replaced by the nearest word of a name.

    "" if that changes nothing. Nobody says that a name has all these words.
    """
    words = {}
    for word in sought_words(text):
        is_known = any(rows_named(table, word).exists() for table in tables)
        near = [near for table in tables if not is_known and (near := nearest_word(table, word))]
        words[word] = near[0] if near else word
    meant = " ".join(words.values())
    return meant if meant != " ".join(words) else ""


def after_migrate(*, using: str, **_: Any) -> None:
    """post_migrate: words for names that have none yet, and the indexes of the nearest words."""
    tables = set(connections[using].introspection.table_names())
    if not all(words._meta.db_table in tables for words in NameWord.__subclasses__()):
        return  # `migrate` went back to an earlier state.
    catch_up()
    if connections[using].vendor == "postgresql":
        _index_trigrams(using)


def _index_trigrams(using: str) -> None:
    try:
        with transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute(_EXTENSION)
            for words in NameWord.__subclasses__():
                table = words._meta.db_table
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {table}_nearest ON {table}"
                    " USING gin (word gin_trgm_ops)"
                )
    except DatabaseError as error:
        if database_errors.meaning_of(error).tried_again:
            raise  # `migrate` tries it again.
        logger.info("search.no_nearest_words", reason=str(error).strip())
