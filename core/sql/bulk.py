"""Prepared bulk statements: the same SQL text for one row or thousands.

Django builds each statement's text every time, and PostgreSQL plans it every time: on the money
path that was most of the time. These statements are built once, prepared once per connection, and
take whole columns as parameters. New rows go in by binary COPY, which needs no plan. SQLite's
driver caches compiled statements by their text.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model

from core.sql.cursors import prepared_cursor
from core.sql.django_internals import kept_cursor


def document(value: Any) -> bytes:
    """A JSON value for bulk inserts, in the binary form of jsonb: a version and the text."""
    return b"\1" + json.dumps(value).encode()


def array(values: Iterable[Any]) -> str:
    """The values (numbers, ids or times) as the text of a PostgreSQL array.

    A column is one parameter of one type, whatever its values, so a statement is prepared once and
    not for each width of number.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def array_of_ids(ids: Iterable[UUID | None]) -> str:
    """As `array`, for ids. Without hyphens, Python makes them faster, and PostgreSQL reads them."""
    return "{" + ",".join(["NULL" if one is None else one.hex for one in ids]) + "}"


def _array_of_few(values: Sequence[Any]) -> str:
    """As `array`, also for text, for columns with few distinct values: each is quoted once."""
    texts: dict[Any, str] = {None: "NULL"}
    for value in set(values) - {None}:
        quoted = str(value).replace("\\", "\\\\").replace('"', '\\"')
        texts[value] = f'"{quoted}"'
    return "{" + ",".join([texts[value] for value in values]) + "}"


_NULL = array([None])

# For SQLite. The largest batch of movements has so many.
_ROWS_AT_ONCE = 10_000

# PostgreSQL's types of the fields written in bulk. COPY needs each value in exactly its type.
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


def analyse(*tables: str) -> None:
    """Tells PostgreSQL's planner of the many rows that this database transaction has written.

    The planner may still believe that the tables are empty, and then compare all rows with all.
    Nobody else can tell it: the rows are not committed.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(tables)}")


def types_of(model: type[Model], columns: Iterable[str]) -> dict[str, str]:
    """The columns of a model with their PostgreSQL types. Raises KeyError for an unknown one."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    return {name: _TYPE_OF_FIELD[_stored_as(fields[name])] for name in columns}


def _stored_as(field: Any) -> str:
    """The kind of field in the column; for a foreign key, that of its target."""
    kind: str = (field.target_field if field.remote_field else field).get_internal_type()
    return kind


# Columns of text and of times have few distinct values in one statement.
_ARRAYS: dict[str, Callable[[Sequence[Any]], str]] = {
    "text": _array_of_few,
    "timestamptz": _array_of_few,
    "uuid": array_of_ids,
}


class BulkInsert:
    """Inserts rows, all or none: by binary COPY, on SQLite by executemany.

    `columns` maps names to PostgreSQL types. Rows are tuples in their order, with a `document` for
    each jsonb. A generator may make rows while the server inserts earlier ones, but must run no
    other statement. An error in the generator aborts the COPY, and the database transaction must be
    rolled back. Does nothing without rows.
    """

    def __init__(self, table: str, columns: Mapping[str, str]) -> None:
        names = ", ".join(columns)
        self.types = list(columns.values())
        # psycopg would look up each name for each COPY, and build each document again.
        sent = ("bytea" if kind == "jsonb" else kind for kind in self.types)
        self._oids = [psycopg.adapters.types.get_oid(kind) for kind in sent]
        self._copy = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        places = ", ".join(["%s"] * len(columns))
        self._insert = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - by code
        self.insert_of_arrays = f"INSERT INTO {table} ({names}) SELECT * FROM {_unnest(self.types)}"  # noqa: S608

    def __call__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Raises Django's database errors: IntegrityError, OperationalError..."""
        rows = iter(rows)
        if (first := next(rows, None)) is None:
            return
        rows = chain([first], rows)
        here: Any = connections[DEFAULT_DB_ALIAS]
        with here.cursor() as cursor:
            if here.vendor == "postgresql":
                with here.wrap_database_errors, cursor.copy(self._copy) as copy:
                    copy.set_types(self._oids)
                    for row in rows:
                        copy.write_row(row)
            else:
                # The driver takes rows as a list: memory must not grow with a generator.
                while some := list(islice(rows, _ROWS_AT_ONCE)):
                    cursor.executemany(self._insert, sqlite_rows(some, self.types))


class BulkUpdate:
    """Updates rows, each with its own values: by one statement, on SQLite by executemany.

    `columns` maps names to PostgreSQL types; `always` is SQL that sets further columns. A column in
    `latest` keeps its stored value if that is later than the new one. Rows are tuples in the order
    of the columns, followed by the row's id.
    """

    def __init__(
        self,
        table: str,
        columns: Mapping[str, str],
        *,
        always: str = "",
        latest: Collection[str] = (),
    ) -> None:
        self.types = [*columns.values(), "uuid"]
        first = f"{always}, " if always else ""
        changes = first + ", ".join(
            f"{name} = greatest(stored.{name}, new.{name})"
            if name in latest
            else f"{name} = new.{name}"
            for name in columns
        )
        self.update_of_arrays = (
            f"UPDATE {table} AS stored SET {changes}"  # noqa: S608 - by code
            f" FROM {_unnest(self.types)} AS new ({', '.join(columns)}, id)"
            " WHERE stored.id = new.id"
        )
        places = first + ", ".join(
            f"{name} = max({name}, %s)" if name in latest else f"{name} = %s" for name in columns
        )
        self._update_one = f"UPDATE {table} SET {places} WHERE id = %s"  # noqa: S608 - by code

    def __call__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Raises Django's database errors. All rows must exist."""
        with prepared_cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(self.update_of_arrays, _arrays(self.types, rows))
            else:
                cursor.executemany(self._update_one, sqlite_rows(rows, self.types))
            assert cursor.rowcount == len(rows)


class BulkInsertAndUpdate:
    """A BulkInsert and a BulkUpdate of other rows as one statement of PostgreSQL, for few rows.

    It takes one round trip, where a COPY takes two and the UPDATE a third. But a COPY sends a row
    in a fraction of the time, so more than `MOST` rows are for the other two classes. The inserted
    rows have no jsonb.
    """

    MOST = 32

    def __init__(self, insert: BulkInsert, update: BulkUpdate) -> None:
        self._types = insert.types, update.types
        self._statement = f"WITH inserted AS ({insert.insert_of_arrays}) {update.update_of_arrays}"

    def __call__(
        self, inserted: Sequence[tuple[Any, ...]], changed: Sequence[tuple[Any, ...]]
    ) -> None:
        """Raises Django's database errors. All changed rows must exist, and there are some."""
        new, old = self._types
        parameters = [*_arrays(new, inserted), *_arrays(old, changed)]
        assert kept_cursor(self._statement, parameters).rowcount == len(changed)


def _unnest(types: Iterable[str]) -> str:
    """SQL of the rows in as many arrays of these types, which are its parameters."""
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


def _arrays(types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The parameters of `_unnest`."""
    if len(rows) == 1:  # Most columns of a single row are empty.
        return [
            _NULL if value is None else _ARRAYS.get(kind, array)((value,))
            for kind, value in zip(types, rows[0], strict=True)
        ]
    columns = zip(types, zip(*rows, strict=True), strict=True)
    return [_ARRAYS.get(kind, array)(column) for kind, column in columns]


def sqlite_rows(rows: Sequence[tuple[Any, ...]], types: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows as Django stores them in SQLite: ids as 32 hexadecimal digits, times as UTC text."""
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
    return [value[1:].decode() for value in column]


def _addresses(column: Sequence[Any]) -> Sequence[Any]:
    return [value and str(value) for value in column]


_SQLITE: dict[str, Callable[[Sequence[Any]], Sequence[Any]]] = {
    "uuid": _ids,
    "timestamptz": _times,
    "jsonb": _documents,
    "inet": _addresses,
}
