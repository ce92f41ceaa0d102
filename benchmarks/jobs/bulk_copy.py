"""The floor of a list: binary COPY of the same rows into a copy of the journal.

The copy has the columns, CHECKs and indexes of the journal, but no guards and no foreign keys. No
account is read, locked or written. Rows are built before the clock starts; psycopg's packing of
them is timed.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
_DROP = f"DROP TABLE IF EXISTS {_TABLE}"
_CREATE = (
    f"CREATE TABLE {_TABLE} (LIKE transactions_transaction"
    " INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING INDEXES)"
)


def transfers(target: Target, seconds: float, *, length: int) -> Slice:
    """Batches of `length` rows, a transaction each. The bank itself records nothing."""
    choice = Choice(target)
    # Sequence numbers of an account must be unique.
    sequences = count(time.time_ns())

    def rows() -> list[tuple[Any, ...]]:
        now = datetime.now(UTC)
        return [_row(choice, next(sequences), now, index) for index in range(length)]

    with (
        psycopg.connect(target.database_url, autocommit=True) as connection,
        floor_table(connection) as table,
    ):

        def copied(batch: list[tuple[Any, ...]]) -> Moved:
            copy(connection, table, batch)
            return Moved(len(batch))

        return replace(measure(rows, copied, seconds), moved=Moved())


@contextmanager
def floor_table(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Creates an empty copy of the journal without guards for the block, and gives its name."""
    connection.execute(_DROP)
    connection.execute(_CREATE)
    yield _TABLE
    connection.execute(_DROP)


def copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Copies journal rows, as `journal_row` makes them, into the table, in binary."""
    statement = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as target:
        target.set_types(TYPES)
        for row in rows:
            target.write_row(row)


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
