"""Reads whose SQL Django writes once, and not for each request.

Django takes longer to write the text of such a query than PostgreSQL takes to run it. The ORM still
makes the query, so that each rule of visibility is written in one place.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from core.sql import django_internals
from core.sql.cursors import prepared_rows

_PLACE = re.compile("%[s%]")
# No constant of a query is as large as this.
_NUMBER = 1 << 61
# Callers choose the size of a page, which is a part of its shape.
_MOST_TEXTS = 100


class ShapedRead:
    """A read that has one SQL text for each shape.

    `build` takes the parts of a shape by position and the values, which are ids and numbers, by
    name. It returns a `values_list` without columns that need Django's converters on PostgreSQL,
    and must make the same text for all values of a shape. Constants of the query become literals in
    the text, so that a generic plan may use a partial index.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._texts: dict[tuple[Any, ...], tuple[str, list[str]]] = {}

    def __call__(self, *shape: Any, **values: UUID | int) -> list[tuple[Any, ...]]:
        """The rows, on PostgreSQL in binary, by a statement that stays prepared.

        Use it if the shapes are few and used often. Raises Django's database errors.
        """
        return self._read(shape, values, prepares=True)

    def unprepared(self, *shape: Any, **values: UUID | int) -> list[tuple[Any, ...]]:
        """The same rows, planned for these values: for many shapes, or if the values matter."""
        return self._read(shape, values, prepares=False)

    def _read(
        self, shape: tuple[Any, ...], values: dict[str, UUID | int], *, prepares: bool
    ) -> list[tuple[Any, ...]]:
        if connection.vendor != "postgresql":
            return list(self._build(*shape, **values))
        key = (*shape, *values)
        if (text := self._texts.get(key)) is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            text = self._texts[key] = self._text_of(shape, values)
        statement, names = text
        parameters = [values[name] for name in names]
        if prepares:
            return prepared_rows(statement, parameters)
        with django_internals.server_cursor(prepares=False) as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    def _text_of(
        self, shape: tuple[Any, ...], values: dict[str, UUID | int]
    ) -> tuple[str, list[str]]:
        """The text with a place for each value, and the names of the values in their order."""
        examples = {
            name: uuid4() if isinstance(value, UUID) else _NUMBER + index
            for index, (name, value) in enumerate(values.items())
        }
        name_of = {example: name for name, example in examples.items()}
        statement, parameters = self._build(*shape, **examples).query.sql_with_params()
        remaining = iter(parameters)
        names: list[str] = []

        def place(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%%"
            parameter = next(remaining)
            if isinstance(parameter, UUID | int) and parameter in name_of:
                names.append(name_of[parameter])
                return "%s"
            assert isinstance(parameter, str | int), f"{parameter!r} is no constant of a query."
            return sql.Literal(parameter).as_string(None).replace("%", "%%")

        return _PLACE.sub(place, statement), names
