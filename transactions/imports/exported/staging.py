"""Staging tables: temporary tables for the rows of the files, each cell in its column's type.

PostgreSQL reads the file itself (COPY, CSV); on SQLite the parsers of the format do. Either way the
rows are provisional: `proof` shows later that the bank exports exactly these bytes again.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection

from core.sql.bulk import analyse
from transactions.files.cells import JSON, NAMES
from transactions.files.file_format import Column, FileFormat
from transactions.imports.exported.limits import longest
from transactions.imports.problems import ImportFileError, ImportProblem, ImportRefused, Problems
from transactions.imports.records import read_records

_CHUNK_BYTES = 1 << 20
_ROWS_AT_ONCE = 2000

# PostgreSQL's types of columns that are not text. Amounts are in main units until inserted.
_TYPES = {
    "id": "uuid",
    "integer": "bigint",
    "amount": "numeric",
    "time": "timestamptz",
    "day": "date",
    "boolean": "boolean",
    "json": "jsonb",
    "address": "inet",
}

ReportRows = Callable[[int], None]


def require_temporary_tables() -> None:
    """Raises ImportRefused for a PostgreSQL role that may not create temporary tables, as bank_app.

    A temporary table could hide a table of the bank from the guards of its session.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_database_privilege(current_database(), 'TEMPORARY'), current_user"
        )
        may, role = cursor.fetchone()
    if not may:
        raise ImportRefused(
            f"The role {role} may make no temporary tables, which an import needs. Import as"
            " the owner of the database (bank_owner), as docs/operations.md says."
        )


def staged(form: FileFormat) -> str:
    """The name of a file's temporary table."""
    return f"staged_{form.name}"


def stage(form: FileFormat, path: Path, size: int, progress: ReportRows) -> None:
    """Creates the temporary table and fills it from the first `size` bytes.

    Calls `progress` with bytes. Raises ImportFileError or DatabaseError for a bad cell, which the
    scan then reports better.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {staged(form)}")
        cursor.execute(f"CREATE TEMPORARY TABLE {staged(form)} ({_columns(form)})")
    if connection.vendor == "postgresql":
        _copy(form, path, size, progress)
    else:
        _insert(form, path, size, progress)


def unstage(form: FileFormat) -> None:
    """Drops the temporary table; a reused connection would keep it."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {staged(form)}")


def _columns(form: FileFormat) -> str:
    if connection.vendor == "postgresql":
        return ", ".join(f"{one.name} {_TYPES.get(one.kind.name, 'text')}" for one in form.columns)
    # Without types: every value is stored as given.
    return ", ".join(column.name for column in form.columns)


def _copy(form: FileFormat, path: Path, size: int, progress: ReportRows) -> None:
    statement = (
        f"COPY {staged(form)} FROM STDIN (FORMAT csv, HEADER match, NULL '', ENCODING 'UTF8')"
    )
    with (
        path.open("rb") as file,
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        while data := file.read(min(_CHUNK_BYTES, size)):
            size -= len(data)
            copy.write(data)
            progress(len(data))
    analyse(staged(form))


def _insert(form: FileFormat, path: Path, size: int, progress: ReportRows) -> None:
    marks = ", ".join(["%s"] * len(form.columns))
    rows = _parsed(form, path, size)
    with connection.cursor() as cursor:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            cursor.executemany(f"INSERT INTO {staged(form)} VALUES ({marks})", some)
    progress(size)


def _parsed(form: FileFormat, path: Path, size: int) -> Iterator[list[Any]]:
    """Rows in SQLite's own types."""
    problems = Problems()
    names = [column.name for column in form.columns]
    limits = longest(form)
    for line, cells in read_records(path, names, problems, size=size, exact=True):
        row = dict(zip(names, cells, strict=True))
        try:
            # SQLite itself does not limit the length of texts.
            if too_long := next((name for name in limits if len(row[name]) > limits[name]), None):
                raise ValueError(f"{too_long}: It has more than {limits[too_long]} characters.")
            yield [_kept(column, row[column.name]) for column in form.columns]
        except ValueError as error:
            raise ImportFileError(ImportProblem(path.name, line, "", str(error))) from error
    if problems.count:
        raise ImportFileError(problems.listed[0])


def _kept(column: Column, cell: str) -> Any:
    value = column.parse(cell)
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return cell
    return cell if column.kind in (JSON, NAMES) else value
