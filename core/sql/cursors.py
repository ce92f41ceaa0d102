"""Reads with constant SQL text, which PostgreSQL keeps prepared."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from core.sql import django_internals


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements PostgreSQL keeps prepared, with parameters bound by the server.

    Results are binary, which bypasses Django's slow parsing of times in Python. On SQLite, and if
    the database's option `prepare_threshold` is None, it prepares nothing.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    return django_internals.server_cursor(prepares=True)


def prepared_rows(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a statement with constant text and few parameters, as `prepared_cursor` reads.

    Each connection keeps a cursor for the statement. Raises Django's database errors.
    """
    if connection.vendor == "postgresql":
        return list(django_internals.kept_cursor(statement, parameters).fetchall())
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def rows_of(query: QuerySet[Any, tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """The rows of a `values_list`, on PostgreSQL in binary. No column may need Django's converters.

    Nothing stays prepared: a generic plan could not use a partial index.
    """
    if connection.vendor != "postgresql":
        return query
    try:
        statement, parameters = query.query.sql_with_params()
    except EmptyResultSet:  # The conditions alone exclude every row.
        return []
    with django_internals.server_cursor(prepares=False) as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def read_first(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a prepared read that begins a request; it also checks the connection.

    Django sends an extra statement to check whether a kept connection still works. This read does
    the check itself, and is repeated on a new connection if the old one is dead. Raises Django's
    database errors.
    """
    if not django_internals.is_unproven():
        return prepared_rows(statement, parameters)
    django_internals.skip_health_check()
    try:
        return prepared_rows(statement, parameters)
    except (OperationalError, InterfaceError):
        if connection.is_usable():
            raise
        connection.close()
        return prepared_rows(statement, parameters)
