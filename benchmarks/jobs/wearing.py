"""What a load leaves in the tables that it writes: dead rows, free space, what autovacuum did."""

from typing import Any

from django.db import connection, connections

from benchmarks.target import Target

TABLES = ("accounts_account", "transactions_transaction", "transactions_transactionevent")
# What the bank's migrations set for autovacuum, and for the pages of accounts.
_SETTINGS = (
    "autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor,"
    " autovacuum_analyze_scale_factor, autovacuum_freeze_min_age"
)
_STATE = """
    SELECT activity.relname AS table, pg_relation_size(relid) AS heap,
        pg_indexes_size(relid) AS indexes, n_tup_ins AS inserted, n_tup_upd AS updated,
        n_tup_hot_upd AS in_page, n_live_tup AS live, n_dead_tup AS dead,
        autovacuum_count AS vacuums, autoanalyze_count AS analyzes,
        relallvisible / greatest(relpages, 1)::float8 AS visible
    FROM pg_stat_user_tables AS activity JOIN pg_class ON pg_class.oid = relid
    WHERE activity.relname = ANY(%s) ORDER BY 1"""


def without_settings(_: Target) -> None:
    """Gives the tables what PostgreSQL has by default, but for the pages of accounts."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} RESET ({_SETTINGS})")
    connections.close_all()


def state(_: Target) -> dict[str, dict[str, Any]]:
    """Bytes, counts and shares of each table by its name."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [list(TABLES)])
        assert cursor.description
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    connections.close_all()
    return {row.pop("table"): row for row in rows}


def packed(target: Target) -> dict[str, dict[str, Any]]:
    """As `state`, after the tables and their indexes have been rewritten without free space."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM FULL {table}")
    return state(target)
