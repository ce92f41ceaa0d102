"""Transactions as lines of the archive file, which the database itself writes."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from core.sql.bulk import array
from transactions.files.cells import ID, TIME
from transactions.files.file_format import END_OF_LINE
from transactions.files.formats import ARCHIVED_TRANSACTIONS

FORMAT = ARCHIVED_TRANSACTIONS
_LENGTH_OF_ID = 36


class ArchiveLine(NamedTuple):
    """A transaction and its line, both of one moment, all as text that the database writes.

    `retry_count` shows whether a failed one has been retried since. `units` is the amount in
    1/10,000 of a main unit. `debited` and `credited` are the internal accounts that it posted to.
    `run_id` and `archived_at` are the mark. Missing values are empty.
    """

    status: bytes
    retry_count: bytes
    units: bytes
    currency: bytes
    debited: bytes
    credited: bytes
    run_id: bytes
    archived_at: bytes
    text: bytes

    @property
    def id(self) -> bytes:
        return id_of(self.text)

    @property
    def data(self) -> bytes:
        return self.text + END_OF_LINE


def internal_account(side: str) -> str:
    """SQL for the account of a side of `t`, if it is internal: posted without a sequence."""
    posted = f"t.status = 'COMPLETED' AND t.{side}_sequence IS NULL"
    return f"CASE WHEN {posted} THEN t.{side}_account_id END"


def read_lines(connection: BaseDatabaseWrapper, ids: Collection[str]) -> dict[bytes, ArchiveLine]:
    """The lines of these transactions, by id, in one statement. Missing ones are left out."""
    read = _copied if connection.vendor == "postgresql" else _fetched
    # No value before the line contains a comma or a quote.
    lines = (
        ArchiveLine(*row.split(b",", len(ArchiveLine._fields) - 1)) for row in read(connection, ids)
    )
    return {line.id: line for line in lines}


def _copied(connection: BaseDatabaseWrapper, ids: Collection[str]) -> Iterator[bytes]:
    cells = ", ".join([*_marks("postgresql"), FORMAT.cells_in_copy()])
    select = f"SELECT {cells} FROM {FORMAT.source('postgresql')} WHERE t.id = ANY(%s::uuid[])"  # noqa: S608
    statement = f"COPY ({select}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')"
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement, [array(ids)]) as copy,
    ):
        for message in copy:  # Each message is one row with its line feed, by the protocol.
            yield bytes(message[:-1])


def _fetched(connection: BaseDatabaseWrapper, ids: Collection[str]) -> Iterator[bytes]:
    marks = "".join(f"coalesce({mark}, '') || ',' || " for mark in _marks("sqlite"))
    select = (
        f"SELECT {marks}{FORMAT.line('sqlite')} FROM {FORMAT.source('sqlite')}"  # noqa: S608
        " WHERE t.id IN (SELECT value FROM json_each(%s))"
    )
    chosen = json.dumps([one.replace("-", "") for one in ids])
    with connection.cursor() as cursor:
        cursor.execute(select, [chosen])
        for (row,) in cursor.fetchall():
            yield row.encode()


def _marks(vendor: str) -> list[str]:
    internal = [ID.sql(vendor, f"({internal_account(side)})") for side in ("debit", "credit")]
    mark = [ID.sql(vendor, "t.archive_run_id"), TIME.sql(vendor, "t.archived_at")]
    return ["t.status", "t.retry_count", "t.amount", "t.currency", *internal, *mark]


def id_of(line: bytes) -> bytes:
    """The line's first cell, which has this length in every line."""
    return line[:_LENGTH_OF_ID]


def shown_mark(*, run_id: UUID, archived_at: datetime) -> tuple[bytes, bytes]:
    """A mark, in the form that an ArchiveLine has it."""
    return str(run_id).encode(), f"{archived_at:%Y-%m-%dT%H:%M:%S.%fZ}".encode()
