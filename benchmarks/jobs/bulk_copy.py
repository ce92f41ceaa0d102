"""The floor of a list: binary COPY of the same rows into a copy of the journal.

The copy has the columns, CHECKs and indexes of the journal, but no guards and no foreign keys, and
no account is read, locked or written. Rows are made before the clock runs; that psycopg packs them
is within it.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg

from benchmarks.jobs.choices import UNITS_PER_CENT, Choice
from benchmarks.jobs.journal_row import COLUMNS, TYPES, journal_row
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target

_TABLE = "floor_transaction"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE}"
    " (LIKE transactions_transaction INCLUDING CONSTRAINTS INCLUDING INDEXES)"
)
_COPY = f"COPY {_TABLE} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"


def transfers(target: Target, seconds: float, *, length: int) -> Slice:
    """Batches of `length` rows, a transaction each. Nothing of it is recorded in the bank."""
    choice = Choice(target)
    # Accounts count their entries, and no two slices may use one number twice.
    sequences = count(time.time_ns())

    def rows() -> list[tuple[Any, ...]]:
        now = datetime.now(UTC)
        return [_row(choice, next(sequences), now, index) for index in range(length)]

    with psycopg.connect(target.database_url, autocommit=True) as connection:
        connection.execute(_CREATE)
        copied = measure(rows, lambda batch: _copy(connection, batch), seconds)
    return replace(copied, moved=Moved())


def _row(choice: Choice, sequence: int, now: datetime, index: int) -> tuple[Any, ...]:
    debit, credit = choice.pair()
    amount = choice.cents() * UNITS_PER_CENT
    return journal_row(
        debit=debit,
        credit=credit,
        amount=amount,
        debited=(sequence, 10**13 - amount),
        credited=(sequence, 10**13 + amount),
        created_at=now,
        completed_at=now,
        index=index,
    )


def _copy(connection: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> Moved:
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(TYPES)
        for row in rows:
            copy.write_row(row)
    return Moved(len(rows))
