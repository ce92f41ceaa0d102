"""Transactions as they stand in the archive file: lines that the database itself makes."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from transactions.files.file_format import END_OF_LINE
from transactions.files.formats import ARCHIVED_TRANSACTIONS

FORMAT = ARCHIVED_TRANSACTIONS


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction and its line, both of one moment. `amount` counts 1/10,000 of a main unit.

    `debited` and `credited` are the internal accounts that it posted to. `retry_count` tells
    whether one that failed has been tried again since. `run_id` and `archived_at` are the mark.
    """

    id: UUID
    status: str
    retry_count: int
    amount: int
    currency: str
    debited: UUID | None
    credited: UUID | None
    run_id: UUID | None
    archived_at: datetime | None
    text: str

    @property
    def data(self) -> bytes:
        return self.text.encode() + END_OF_LINE


def internal_account(side: str) -> str:
    """SQL for the account of a side of `t` that was posted without a sequence: no customer's."""
    posted = f"t.status = 'COMPLETED' AND t.{side}_sequence IS NULL"
    return f"CASE WHEN {posted} THEN t.{side}_account_id END"


def read_lines(connection: BaseDatabaseWrapper, ids: Collection[UUID]) -> dict[UUID, Line]:
    """The lines of these transactions, by id, in one statement. What does not exist is left out."""
    vendor = connection.vendor
    # Made of columns and constants of this code; the ids are a parameter.
    statement = (
        "SELECT t.id, t.status, t.retry_count, t.amount, t.currency,"  # noqa: S608
        f" {internal_account('debit')}, {internal_account('credit')}, t.archive_run_id,"
        f" t.archived_at, {FORMAT.line(vendor)}"
        f" FROM {FORMAT.source(vendor)} WHERE t.id {among_ids(vendor)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids_parameter(vendor, ids)])
        lines = [_line(row) for row in cursor.fetchall()]
    return {line.id: line for line in lines}


def _line(row: tuple[Any, ...]) -> Line:
    identifier, status, retry_count, amount, currency, *ids, archived_at, text = row
    debited, credited, run_id = (one and as_uuid(one) for one in ids)
    return Line(
        id=as_uuid(identifier),
        status=status,
        retry_count=retry_count,
        amount=amount,
        currency=currency,
        debited=debited,
        credited=credited,
        run_id=run_id,
        archived_at=archived_at and as_moment(archived_at),
        text=text,
    )


def among_ids(vendor: str) -> str:
    """A condition for any number of ids, which are one parameter."""
    return "= ANY(%s)" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"


def ids_parameter(vendor: str, ids: Collection[UUID]) -> Any:
    return list(ids) if vendor == "postgresql" else json.dumps([one.hex for one in ids])


def as_uuid(value: Any) -> UUID:
    """An id as a raw query gives it: SQLite keeps 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)


def as_moment(value: datetime) -> datetime:
    """A time as a raw query gives it: SQLite's are in UTC and do not say so."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
