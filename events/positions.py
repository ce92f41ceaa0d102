"""Positions of changes in the feed: docs/adr/0032-the-feed-follows-commits.md.

On PostgreSQL each of these tables has a column with a number that the server counts up: that of the
database transaction that inserted the row, or, if the server has meanwhile ended later ones, the
number after those. So a change that waited for another, or has seen it, has no lower number, and no
row has a lower one than its database transaction. The column has a default, so no statement names
it, and no model knows it. Rows of earlier releases have the position 0. On SQLite the position is
the rowid: writers are serial there, and no row of these tables is ever deleted.

A restored copy may lie on a server whose numbers are lower. `migrate` then adds an offset to the
default, so that new rows come after all old ones.
"""

import re
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.timeouts import switched_off

ACCOUNT_EVENTS = "accounts_accountevent"
JOURNAL = "transactions_transaction"
TRANSACTION_EVENTS = "transactions_transactionevent"
HOLD_EVENTS = "transactions_holdevent"
# In the order of cause and effect within one database transaction. A cursor has a place in each, an
# older cursor in the first ones: so a new table comes last.
TABLES = (ACCOUNT_EVENTS, JOURNAL, TRANSACTION_EVENTS, HOLD_EVENTS)
COLUMN = "feed_position"

# The snapshot is that of the statement: of the INSERT, which runs when all locks are held.
_DEFAULT = "greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()))::text::bigint"
_OFFSET = re.compile(r"\+ (?:')?(\d+)")
# The default of a column as PostgreSQL prints it; NULL without one.
_DEFAULT_OF = f"""(
    SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = to_regclass('{{table}}') AND a.attname = '{COLUMN}' AND NOT a.attisdropped
)"""
# What the default adds to the number of the database transaction.
OFFSET_SQL = (
    f"coalesce(substring({_DEFAULT_OF.format(table=JOURNAL)} FROM '[+] ''?([0-9]+)')::bigint, 0)"
)


def add_column(connection: BaseDatabaseWrapper, table: str) -> None:
    """Gives the table its column, in two quick statements, and its index, beside writers."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # A constant default does not rewrite the table: existing rows get the position 0.
        cursor.execute(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {COLUMN} bigint NOT NULL DEFAULT 0"
        )
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {COLUMN} SET DEFAULT {_DEFAULT}")
    # The build waits, without a time-out, for the end of older database transactions.
    with switched_off(connection, "lock_timeout"), connection.cursor() as cursor:
        # An interrupted build leaves an invalid index.
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {table}_feed")
        cursor.execute(f"CREATE INDEX CONCURRENTLY {table}_feed ON {table} ({COLUMN}, id)")


def drop_column(connection: BaseDatabaseWrapper, table: str) -> None:
    """Undoes `add_column`."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {COLUMN}")


def need(connection: BaseDatabaseWrapper) -> str:
    """What keeps the feed from being right, in a sentence; empty if nothing does."""
    if connection.vendor != "postgresql" or not _has_tables(connection):
        return ""
    defaults, newest, next_number = _state(connection)
    if not all(_counts(one) for one in defaults) or len(set(map(_offset, defaults))) > 1:
        return "The feed of events lacks the positions of rows."
    # A row may have the very number that is the next.
    if newest > next_number + _offset(defaults[0]):
        return "The database has moved to another server, and the feed of events must follow."
    return ""


def after_migrate(*, using: str, **_: Any) -> None:
    """post_migrate: puts right what `need` finds."""
    connection = connections[using]
    if _has_columns(connection) and need(connection):
        _follow(connection)


def _follow(connection: BaseDatabaseWrapper) -> None:
    """Sets the default of each column, so that new rows come after all others."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE")
        _, newest, next_number = _state(connection)
        # This database transaction may have taken the next number by now.
        offset = max(0, newest + 1 - next_number)
        for table in TABLES:
            cursor.execute(
                f"ALTER TABLE {table} ALTER COLUMN {COLUMN} SET DEFAULT {_DEFAULT} + {offset:d}"
            )


def _state(connection: BaseDatabaseWrapper) -> tuple[list[str | None], int, int]:
    """The default of each column, the newest position, and the next database transaction."""
    if not _has_columns(connection):
        return [None], 0, 0
    defaults = ", ".join(_DEFAULT_OF.format(table=table) for table in TABLES)
    newest = ", ".join(f"(SELECT max({COLUMN}) FROM {table})" for table in TABLES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {defaults}, coalesce(greatest({newest}), 0),"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )
        *found, highest, next_number = cursor.fetchone()
    return found, highest, next_number


def _has_columns(connection: BaseDatabaseWrapper) -> bool:
    """Whether the migration that adds the columns has run."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_attribute WHERE attname = %s AND NOT attisdropped"
            " AND attrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)",
            [COLUMN, list(TABLES)],
        )
        return bool(cursor.fetchone()[0] == len(TABLES))


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS name",
            [list(TABLES)],
        )
        return bool(cursor.fetchone()[0])


def _counts(default: str | None) -> bool:
    """Whether new rows get their positions by the present rule."""
    rule = ("pg_current_xact_id", "pg_snapshot_xmax")
    return default is not None and all(one in default for one in rule)


def _offset(default: str | None) -> int:
    found = _OFFSET.search(default or "")
    return int(found[1]) if found else 0
