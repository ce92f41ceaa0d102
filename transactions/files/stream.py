"""Streams lines from the database to a file; Python only passes them on."""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from transactions.files.file_format import END_OF_LINE, FileFormat, prepare_sqlite

_LINES_IN_BLOCK = 2000

# PostgreSQL reads the rows along the index of their ids, and looks up and caches their users: a
# sort of such wide rows would spill to disk. Free parallel workers share the rendering.
_PLAN_OF_COPY = (
    "SET LOCAL enable_sort = off",
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL parallel_tuple_cost = 0",
    "SET LOCAL jit = off",
)


def blocks_of_lines(
    connection: BaseDatabaseWrapper, file_format: FileFormat, *, for_spreadsheet: bool = False
) -> Iterator[tuple[int, bytes]]:
    """Yields blocks of a file's lines, without its header, with their number: UTF-8 with CRLF.

    Memory does not grow with the rows. On PostgreSQL it is one COPY, inside a database transaction.
    """
    read = _copied if connection.vendor == "postgresql" else _fetched
    lines: list[bytes] = []
    for line in read(connection, file_format, for_spreadsheet):
        lines.append(line)
        if len(lines) == _LINES_IN_BLOCK:
            yield len(lines), _joined(lines)
            lines = []
    if lines:
        yield len(lines), _joined(lines)


def _joined(lines: list[bytes]) -> bytes:
    return END_OF_LINE.join(lines) + END_OF_LINE


def _copied(
    connection: BaseDatabaseWrapper, file_format: FileFormat, for_spreadsheet: bool
) -> Iterator[bytes]:
    select = file_format.select_cells(for_spreadsheet=for_spreadsheet)
    with connection.cursor() as cursor:
        for statement in _PLAN_OF_COPY:
            cursor.execute(statement)
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')") as copy,
        ):
            for message in copy:  # Each message is one row with its line feed, by the protocol.
                yield bytes(message[:-1])


def _fetched(
    connection: BaseDatabaseWrapper, file_format: FileFormat, for_spreadsheet: bool
) -> Iterator[bytes]:
    prepare_sqlite(connection)
    with connection.cursor() as cursor:
        cursor.execute(file_format.select_lines("sqlite", for_spreadsheet=for_spreadsheet))
        while rows := cursor.fetchmany(_LINES_IN_BLOCK):
            for (line,) in rows:
                yield line.encode()
