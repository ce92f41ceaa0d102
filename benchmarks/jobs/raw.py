"""The floor of a single transfer: the same rows in the same tables, by psycopg alone.

It has no framework and no checks, so it measures the cost of the database, its guards and a Python
client. Prepared statements, binary parameters and pipelines: two round trips.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.jobs.choices import UNITS_PER_CENT, Choice
from benchmarks.jobs.journal_row import COLUMNS, journal_row
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target

_LOCK = (
    "SELECT id, balance, last_sequence, last_posted_at FROM accounts_account"
    " WHERE id IN (%b, %b) ORDER BY id FOR NO KEY UPDATE"
)
_INSERT = (
    f"INSERT INTO transactions_transaction ({', '.join(COLUMNS)})"  # noqa: S608 - constants
    f" VALUES ({', '.join(['%b'] * len(COLUMNS))})"
)
_UPDATE = (
    "UPDATE accounts_account SET balance = %b, last_sequence = %b, last_posted_at = %b,"
    " updated_at = %b WHERE id = %b"
)


def transfers(target: Target, seconds: float) -> Slice:
    choice = Choice(target)
    with connect(target.database_url) as connection:

        def post(chosen: tuple[UUID, UUID, int]) -> Moved:
            transfer(connection, *chosen)
            return Moved(1)

        return measure(lambda: (*choice.pair(), choice.cents() * UNITS_PER_CENT), post, seconds)


def connect(database_url: str) -> psycopg.Connection[Any]:
    """A connection that prepares each statement at once."""
    connection = psycopg.connect(database_url, autocommit=True)
    connection.prepare_threshold = 0
    return connection


def transfer(
    connection: psycopg.Connection[Any], debit: UUID, credit: UUID, amount: int
) -> tuple[Any, ...]:
    """Posts a transfer of `amount` units, and returns its journal row."""
    created_at = datetime.now(UTC)
    with connection.pipeline():
        connection.execute("BEGIN")
        locked = connection.execute(_LOCK, (debit, credit)).fetchall()
        accounts = {row[0]: row[1:] for row in locked}
        completed_at = max(datetime.now(UTC), *(posted_at for *_, posted_at in accounts.values()))
        after = {}
        for account_id, change in ((debit, -amount), (credit, amount)):
            balance, sequence, _ = accounts[account_id]
            after[account_id] = (sequence + 1, balance + change)
        row = journal_row(
            debit=debit,
            credit=credit,
            amount=amount,
            debited=after[debit],
            credited=after[credit],
            created_at=created_at,
            completed_at=completed_at,
        )
        connection.execute(_INSERT, row)
        for account_id, (sequence, balance) in after.items():
            values = (balance, sequence, completed_at, completed_at, account_id)
            connection.execute(_UPDATE, values)
        connection.execute("COMMIT")
    return row
