"""What PostgreSQL says of its own upkeep: transaction numbers, dead rows, the planner's statistics.

Autovacuum does all of it, unless a forgotten session, a replication slot or a setting prevents it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# PostgreSQL refuses to write about 2,147 million transactions after the oldest row that is not
# frozen (its manual, 25.1.5), and freezes by itself from 200 million on.
OLD_TRANSACTIONS = 1_000_000_000
# Autovacuum starts at a fifth of a table. Below the floor a table is small anyway.
DEAD_SHARE = 0.4
DEAD_FLOOR = 100_000
# A table of this size is analyzed within minutes.
ANALYZED_BYTES = 8 * 1024 * 1024

# The numbers are those of the whole server: a neglected database beside the bank's stops both.
_AGE = """
    SELECT datname, greatest(age(datfrozenxid), mxid_age(datminmxid)) AS age
    FROM pg_database ORDER BY age DESC, datname = current_database() DESC, datname LIMIT 1"""
_DEAD = """
    SELECT relname, n_dead_tup FROM pg_stat_user_tables
    WHERE n_dead_tup > %s + %s * n_live_tup ORDER BY relname"""
_UNKNOWN = """
    SELECT relation.relname
    FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace
    WHERE relation.relkind = 'r' AND space.nspname = current_schema()
        AND pg_relation_size(relation.oid) >= %s
        AND NOT EXISTS (
            SELECT FROM pg_stats AS known
            WHERE known.schemaname = space.nspname AND known.tablename = relation.relname)
    ORDER BY relation.relname"""


def problems(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Warnings about the upkeep of this database; none on SQLite, which needs none."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_AGE)
        database, age = cursor.fetchone()
        cursor.execute(_DEAD, [DEAD_FLOOR, DEAD_SHARE])
        dead = cursor.fetchall()
        cursor.execute(_UNKNOWN, [ANALYZED_BYTES])
        unknown = [name for (name,) in cursor.fetchall()]
    if age > OLD_TRANSACTIONS:
        yield Warning(
            f"The oldest row that is not frozen, in database '{database}', is {age:,} transactions"
            " old. At about 2,100,000,000 the server stops writing, in all its databases.",
            hint="Look for an old session, prepared transaction or replication slot, and run"
            " VACUUM (FREEZE) in that database, as its owner.",
            id="bank.W007",
        )
    if dead:
        names = ", ".join(f"{name} ({count:,})" for name, count in dead)
        yield Warning(
            f"Autovacuum does not keep up: these tables have many dead rows: {names}.",
            hint="Look for an old session or replication slot, and at the settings of autovacuum.",
            id="bank.W008",
        )
    if unknown:
        yield Warning(
            f"The planner has no statistics of: {', '.join(unknown)}.",
            hint=f"As the owner: {' '.join(f'ANALYZE {name};' for name in unknown)}",
            id="bank.W009",
        )


def check_table_health(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django gives it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check (tag `database`)."""
    return [message for alias in databases or [] for message in problems(connections[alias])]
