"""Reads by statements of constant text, which PostgreSQL keeps prepared."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from core.sql import django_internals


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements PostgreSQL keeps prepared, with parameters bound by the server.

    Results come in binary, past Django's way to read a time, which is Python's and slow. Elsewhere,
    and where the database's option `prepare_threshold` is None, it prepares nothing.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    return django_internals.server_cursor(prepares=True)


def rows_of(query: QuerySet[Any, tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """The rows of a `values_list`, on PostgreSQL in binary: no column may need Django's converters.

    Nothing stays prepared: a plan for any values could not use an index that has a condition.
    """
    if connection.vendor != "postgresql":
        return query
    try:
        statement, parameters = query.query.sql_with_params()
    except EmptyResultSet:  # Told from the conditions alone.
        return []
    with django_internals.server_cursor(prepares=False) as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def read_first(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a prepared read, with which a request begins; it also proves the connection.

    Django sends a statement of its own to learn whether the connection of the request before still
    lives. This one finds it out, and reads once more on a new connection if it does not. Raises
    what Django raises for a statement.
    """
    if not django_internals.is_unproven():
        return _read(statement, parameters)
    django_internals.skip_health_check()
    try:
        return _read(statement, parameters)
    except (OperationalError, InterfaceError):
        if connection.is_usable():
            raise
        connection.close()
        return _read(statement, parameters)


def _read(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
