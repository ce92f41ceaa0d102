"""The stored transactions of a bank before any load: a long history, or a state to restore.

The rows are the same as the bank itself would have written, and its guards and verifier check them.
They are written by a shortcut: otherwise a million rows would take as long as all measurements.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from benchmarks.jobs import bulk_copy
from benchmarks.jobs.choices import UNITS_PER_CENT
from benchmarks.jobs.journal_row import journal_row
from benchmarks.jobs.preparation import analyze
from benchmarks.target import People
from core.identifiers import uuid7
from transactions.archive.file import archive_path

_STEP = timedelta(microseconds=1)
_ROWS_AT_ONCE = 50_000
_ACCOUNTS = "SELECT id, last_sequence, balance FROM accounts_account WHERE kind = 'CUSTOMER'"
_UPDATE = (
    "UPDATE accounts_account SET last_sequence = %s, balance = %s, last_posted_at = %s,"
    " updated_at = %s WHERE id = %s"
)


@dataclass(slots=True)
class _Side:
    """The state of an account before the next transaction; the balance is in units."""

    last_sequence: int
    balance: int
    posted_at: datetime | None = None

    def post(self, change: int, at: datetime) -> tuple[int, int]:
        """Applies an entry. Returns its sequence number and the new balance."""
        self.last_sequence, self.balance, self.posted_at = (
            self.last_sequence + 1,
            self.balance + change,
            at,
        )
        return self.last_sequence, self.balance


def store(
    database_url: str,
    people: People,
    count: int,
    over: timedelta = timedelta(0),
    *,
    until: datetime | None = None,
    spread: bool = False,
) -> tuple[datetime, datetime] | None:
    """Stores `count` transfers; returns the moments of the first and of the last, None if none.

    Each is between the busy account and one of the others in turn, in alternating directions. So
    the busy account has `count` more entries, and each other account its share of them. With
    `spread` the next of the others takes the place of the busy account. They are evenly spread
    `over` the time `until` a moment or now, before the accounts were opened: without guards.
    """
    if not count:
        return None
    between = store_part(database_url, people, count, over, until=until, spread=spread)
    analyze()
    return between


def store_part(
    database_url: str,
    people: People,
    count: int,
    over: timedelta,
    *,
    until: datetime | None = None,
    spread: bool = False,
) -> tuple[datetime, datetime]:
    """As `store`, but leaves statistics and free space of the tables as they are."""
    start, step = (until or datetime.now(UTC)) - over, max(_STEP, over / count)
    with psycopg.connect(database_url) as database:
        if over:
            database.execute("SET session_replication_role = replica")
        sides = {row[0]: _Side(*row[1:]) for row in database.execute(_ACCOUNTS)}
        for first in range(0, count, _ROWS_AT_ONCE):
            numbers = range(first, min(first + _ROWS_AT_ONCE, count))
            bulk_copy.copy(
                database,
                "transactions_transaction",
                _rows(_pairs(people, numbers, spread=spread), sides, start, step, numbers),
            )
        values = [
            (side.last_sequence, side.balance, side.posted_at, side.posted_at, account_id)
            for account_id, side in sides.items()
            if side.posted_at
        ]
        database.cursor().executemany(_UPDATE, values)
    return start, start + count * step


def _pairs(people: People, numbers: range, *, spread: bool) -> Iterator[tuple[UUID, UUID]]:
    """The debited and the credited account of each number."""
    others = people.account_ids
    for number in numbers:
        turn, index = divmod(number, len(others))
        one, other = others[index - 1] if spread else people.busy_id, others[index]
        yield (one, other) if turn % 2 else (other, one)


def _rows(
    pairs: Iterable[tuple[UUID, UUID]],
    sides: Mapping[UUID, _Side],
    start: datetime,
    step: timedelta,
    numbers: range,
) -> Iterator[tuple[Any, ...]]:
    random = Random()  # noqa: S311 - a load, not a secret
    for number, (debit, credit) in zip(numbers, pairs, strict=True):
        amount = random.randint(1, 1000) * UNITS_PER_CENT
        at = start + number * step
        yield journal_row(
            debit=debit,
            credit=credit,
            amount=amount,
            debited=sides[debit].post(-amount, at),
            credited=sides[credit].post(amount, at),
            created_at=at,
            completed_at=at,
        )


def open_at(moment: datetime) -> None:
    """Moves the opening of all accounts and their first deposits to this moment.

    The ids of accounts stay, and tell the moment of their making, which the verifier refuses.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, name in (("accounts_account", "created_at"), ("accounts_accountevent", "at")):
            cursor.execute(f"UPDATE {table} SET {name} = %s", [moment])  # noqa: S608 - constants
    deposit_at(moment)


def deposit_at(moment: datetime) -> None:
    """Moves the first deposits of all accounts to this moment: they are all that is stored yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT id FROM transactions_transaction ORDER BY id")
        ids = [pk for (pk,) in cursor.fetchall()]
        cursor.executemany(
            "UPDATE transactions_transaction SET id = %s, created_at = %s, effective_at = %s,"
            " completed_at = %s WHERE id = %s",
            [(uuid7(moment, index), moment, moment, moment, pk) for index, pk in enumerate(ids)],
        )


def keep() -> None:
    """Saves the bank's current rows for `restore`. PostgreSQL only."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA kept")
        for table in _tables(cursor):
            cursor.execute(f"CREATE TABLE kept.{table} AS TABLE {table}")


def restore() -> None:
    """Resets the bank to exactly the rows saved by `keep`.

    Disables the guards, for this transaction only. Closes no connection and causes no checkpoint,
    which would disturb the next case.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for table in _cleared(cursor):
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept.{table}")  # noqa: S608
    archive_path().unlink(missing_ok=True)
    analyze()


def clear() -> None:
    """Empties the bank."""
    with transaction.atomic(), connection.cursor() as cursor:
        _cleared(cursor)
    archive_path().unlink(missing_ok=True)


def _cleared(cursor: Any) -> list[str]:
    """Empties and returns the tables. Guards and keys are off until the transaction ends."""
    tables = _tables(cursor)
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute(f"TRUNCATE {', '.join(tables)}")
    return tables


def _tables(cursor: Any) -> list[str]:
    """The tables of customers, accounts, transactions, statements and seals; words of names."""
    cursor.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename ~"
        " '^((words_of_)?(accounts|customers)|seals|statements|transactions)(_|$)'"
        " ORDER BY tablename"
    )
    return [name for (name,) in cursor.fetchall()]
