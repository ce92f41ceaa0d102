"""Prepared bulk statements: the same SQL text for one row or thousands.

Django writes the text of a statement anew each time, and PostgreSQL plans it anew: on the money
path that was most of the time. These are written once, prepared once for each connection, and take
whole columns as parameters. New rows go in by binary COPY, which needs no plan at all. SQLite's
driver keeps what it has compiled by the text.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from core.sql.cursors import prepared_cursor


def array(values: Iterable[Any]) -> str:
    """The values, numbers or ids or times, as the text of a PostgreSQL array.

    A column is one parameter of one type, whatever is in it: a statement is prepared once, and not
    for each width that a number may have.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _array_of_few(values: Sequence[Any]) -> str:
    """As `array`, also for text: for a column that mostly says the same in each row."""
    texts: dict[Any, str] = {None: "NULL"}
    for value in set(values) - {None}:
        quoted = str(value).replace("\\", "\\\\").replace('"', '\\"')
        texts[value] = f'"{quoted}"'
    return "{" + ",".join([texts[value] for value in values]) + "}"


# PostgreSQL's types of the fields that are written in bulk. COPY takes a value as exactly its type.
_TYPE_OF_FIELD = {
    "AutoField": "integer",
    "BigAutoField": "bigint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "CharField": "text",
    "DateTimeField": "timestamptz",
    "GenericIPAddressField": "inet",
    "JSONField": "jsonb",
    "PositiveIntegerField": "integer",
    "UUIDField": "uuid",
}


def types_of(model: type[Model], columns: Iterable[str]) -> dict[str, str]:
    """The columns of a model with their PostgreSQL types. Raises KeyError for an unknown one."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    return {name: _TYPE_OF_FIELD[_stored_as(fields[name])] for name in columns}


def _stored_as(field: Any) -> str:
    """The kind of field that the column holds: of a foreign key, the kind of its target."""
    kind: str = (field.target_field if field.remote_field else field).get_internal_type()
    return kind


# Types of columns in which the rows of one statement hardly differ.
_OF_FEW = frozenset({"text", "timestamptz"})


class BulkInsert:
    """How rows get into a table, all or none of them: by binary COPY, on SQLite by executemany.

    `columns` are names with their PostgreSQL types. Rows are tuples in their order. They may be
    made one by one while the server inserts those before them, without any other statement; what is
    raised meanwhile ends the COPY, and the transaction is to be rolled back. Without rows nothing
    is done.
    """

    def __init__(self, table: str, columns: Mapping[str, str]) -> None:
        names = ", ".join(columns)
        self._types = list(columns.values())
        self._copy = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        places = ", ".join(["%s"] * len(columns))
        self._insert = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - by code

    def __call__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Raises what Django raises for a statement: IntegrityError, OperationalError..."""
        rows = iter(rows)
        if (first := next(rows, None)) is None:
            return
        rows = chain([first], rows)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with connection.wrap_database_errors, cursor.copy(self._copy) as copy:
                    copy.set_types(self._types)
                    for row in rows:
                        copy.write_row(row)
            else:
                cursor.executemany(self._insert, sqlite_rows(list(rows), self._types))


class BulkUpdate:
    """How rows are changed, each to values of its own: by one statement, on SQLite by executemany.

    `columns` are names with their PostgreSQL types; `always` is SQL that sets others. A column of
    `latest` keeps what it has where that is later. Rows are tuples in the order of the columns,
    followed by the row's id.
    """

    def __init__(
        self,
        table: str,
        columns: Mapping[str, str],
        *,
        always: str = "",
        latest: Collection[str] = (),
    ) -> None:
        self._types = [*columns.values(), "uuid"]
        first = f"{always}, " if always else ""
        changes = first + ", ".join(
            f"{name} = greatest(stored.{name}, new.{name})"
            if name in latest
            else f"{name} = new.{name}"
            for name in columns
        )
        arrays = ", ".join(f"%s::{kind}[]" for kind in self._types)
        self._update = (
            f"UPDATE {table} AS stored SET {changes}"  # noqa: S608 - by code
            f" FROM unnest({arrays}) AS new ({', '.join(columns)}, id) WHERE stored.id = new.id"
        )
        places = first + ", ".join(
            f"{name} = max({name}, %s)" if name in latest else f"{name} = %s" for name in columns
        )
        self._update_one = f"UPDATE {table} SET {places} WHERE id = %s"  # noqa: S608 - by code

    def __call__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Raises what Django raises for a statement. All rows must exist."""
        with prepared_cursor() as cursor:
            if connection.vendor == "postgresql":
                columns = zip(self._types, zip(*rows, strict=True), strict=True)
                arrays = [
                    (_array_of_few if kind in _OF_FEW else array)(column)
                    for kind, column in columns
                ]
                cursor.execute(self._update, arrays)
            else:
                cursor.executemany(self._update_one, sqlite_rows(rows, self._types))
            assert cursor.rowcount == len(rows)


def sqlite_rows(rows: Sequence[tuple[Any, ...]], types: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows as Django keeps them in SQLite: ids as 32 hexadecimal digits, times as UTC text."""
    columns = [
        _SQLITE[kind](column) if kind in _SQLITE else column
        for kind, column in zip(types, zip(*rows, strict=True), strict=True)
    ]
    return list(zip(*columns, strict=True))


def _ids(column: Sequence[UUID | None]) -> Sequence[Any]:
    return [value and value.hex for value in column]


def _times(column: Sequence[datetime | None]) -> Sequence[Any]:
    # Most rows of a list share their moments.
    texts = {
        value: str(value.astimezone(UTC).replace(tzinfo=None)) for value in set(column) if value
    }
    return [value and texts[value] for value in column]


def _documents(column: Sequence[Any]) -> Sequence[Any]:
    return [json.dumps(value) for value in column]


def _addresses(column: Sequence[Any]) -> Sequence[Any]:
    return [value and str(value) for value in column]


_SQLITE: dict[str, Callable[[Sequence[Any]], Sequence[Any]]] = {
    "uuid": _ids,
    "timestamptz": _times,
    "jsonb": _documents,
    "inet": _addresses,
}
