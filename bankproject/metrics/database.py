"""What metrics read from the database, in statements whose price the journal's length does not set.

They read small partial indexes, up to a bound, and seldom all accounts; sizes and numbers of rows
are PostgreSQL's own estimates. Each part has a time-out of its own and can fail by itself. When the
database does not answer, only `bank_database_up` is left.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, transaction

from accounts.states import ShownStatus, shown_status
from bankproject.console import duties
from bankproject.metrics import jobs, waiting, webhooks
from bankproject.metrics.cache import Reading, Value
from core import clock, replica
from core.database_errors import note
from core.money import UNITS_PER_MAIN
from seals.selectors import newest_seal, unsealed_entries
from transactions.reads.duties import last_archived
from transactions.verifier.records import last_verification

# For each statement: a scrape must not wait for a database that is busy.
_TIMEOUT_MILLISECONDS = 1000
# What costs more the more accounts there are is read once in so many intervals, and never two of it
# in one reading after the first.
SELDOM = {"accounts": 6, "jobs": 6, "seals": 6}

# The states of a connection that are told apart.
CONNECTION_STATES = ("active", "idle", "idle in transaction", "other")

# Name, meaning and labels of each.
DESCRIBED: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank_database_up": ("Whether the database answers (1 or 0).", ()),
    "bank_metrics_read_ok": ("Whether this part of the database was read (1 or 0).", ("part",)),
    "bank_metrics_read_seconds": ("Time that the last reading of the database took.", ()),
    "bank_metrics_read_age_seconds": ("Age of the last reading of the database.", ()),
    "bank_books_sound": ("Whether the last verification found nothing (1 or 0).", ()),
    "bank_verification_age_seconds": ("Time since the end of the last verification.", ()),
    "bank_archive_age_seconds": ("Time since the end of the last complete archive run.", ()),
    "bank_duty_overdue": ("Whether a duty is beyond its limit (1 or 0).", ("duty",)),
    "bank_seal_age_seconds": ("Time since the last seal.", ()),
    "bank_unsealed_entries": ("Entries that no seal covers.", ()),
    **waiting.DESCRIBED,
    **jobs.DESCRIBED,
    **webhooks.DESCRIBED,
    "bank_accounts": ("Customer accounts.", ("status",)),
    "bank_customers_balance_amount": ("Sum of customers' balances.", ("currency",)),
    "bank_overdraft_used_amount": ("Sum of overdrafts in use.", ("currency",)),
    "bank_database_connections": ("Connections to the bank's database.", ("state",)),
    "bank_database_connections_limit": ("The most connections of the server.", ()),
    "bank_database_prepared_statements": ("Statements prepared in the reading connection.", ()),
    "bank_database_size_bytes": ("Size of the database on the disk.", ()),
    "bank_table_size_bytes": ("Size of a table with its indexes.", ("table",)),
    "bank_table_rows": ("Rows of a table, as PostgreSQL estimates.", ("table",)),
    "bank_replica_up": ("Whether the replica for reads answers (1 or 0).", ()),
    "bank_replica_lag_seconds": ("Time by which the replica for reads is behind.", ()),
    "bank_database_standbys": ("Standbys that apply the server's log.", ()),
    "bank_database_replication_lag_seconds": (
        "Time by which the standby furthest behind lags.",
        (),
    ),
    "bank_database_replication_lag_bytes": (
        "Log that the standby furthest behind has not applied.",
        (),
    ),
}


def read(last: Reading) -> Reading:
    """All values, as name, labels and value. Raises nothing of the database's.

    From the last reading it takes what is read seldom, and not due yet.
    """
    started, now = time.perf_counter(), time.time()
    values: list[Value] = []
    kept = _kept(last, now)
    is_up = True
    for part, read_part in PARTS.items():
        found: list[Value] = []
        is_read = False
        if is_up and part in kept:
            found, is_read = kept[part]["values"], True
        elif is_up:
            try:
                with _bounded():
                    found = list(read_part())
                is_read = True
                if part in SELDOM:
                    kept[part] = {"at": now, "values": found}
            except DatabaseFailure as error:
                meaning = note(error)
                is_up = not (meaning.drops_connection or meaning.readiness)
        values += [*found, ("bank_metrics_read_ok", (part,), float(is_read))]
    if not is_up:
        values = [one for one in values if one[0] == "bank_metrics_read_ok"]
    values.append(("bank_database_up", (), float(is_up)))
    values.append(("bank_metrics_read_seconds", (), time.perf_counter() - started))
    return {"values": values, "kept": kept}


def _kept(last: Reading, now: float) -> dict[str, Any]:
    """The parts that are read seldom, without the one that is longest due."""
    kept: dict[str, Any] = dict(last.get("kept", {}))
    due = [part for part, each in kept.items() if not _is_new(part, each, now)]
    if due:
        del kept[min(due, key=lambda part: kept[part]["at"])]
    return kept


def _is_new(part: str, kept: dict[str, Any], now: float) -> bool:
    return 0 <= now - kept["at"] < SELDOM[part] * settings.METRICS_INTERVAL_SECONDS


@contextmanager
def _bounded() -> Iterator[None]:
    """Gives each statement of the block a time-out. Leaves the connection as it was."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            (before,) = cursor.execute("PRAGMA busy_timeout").fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {_TIMEOUT_MILLISECONDS}")
            try:
                yield
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {before}")
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %(ms)s, true),"
                " set_config('lock_timeout', %(ms)s, true)",
                {"ms": f"{_TIMEOUT_MILLISECONDS}ms"},
            )
        yield
        transaction.set_rollback(True)  # Nothing was written, and the time-outs end.


def _rows(statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _books() -> Iterator[Value]:
    now = clock.about_now()
    if last := last_verification():
        yield "bank_books_sound", (), float(last.is_sound)
        age = (now - last.finished_at).total_seconds()
        yield "bank_verification_age_seconds", (), max(0.0, age)
    if (ended := last_archived()) is not None:
        yield "bank_archive_age_seconds", (), max(0.0, (now - ended).total_seconds())


def _duties() -> Iterator[Value]:
    for duty, is_overdue in asdict(duties.read()).items():
        yield "bank_duty_overdue", (duty,), float(is_overdue is not None)


def _seals() -> Iterator[Value]:
    if (newest := newest_seal()) is not None:
        age = (clock.about_now() - newest.sealed_at).total_seconds()
        yield "bank_seal_age_seconds", (), max(0.0, age)
    yield "bank_unsealed_entries", (), unsealed_entries(newest)


_ACCOUNTS = """
    SELECT currency, status, count(*), count(*) FILTER (WHERE debits_blocked OR credits_blocked),
        sum(balance), coalesce(-sum(balance) FILTER (WHERE balance < 0), 0)
    FROM accounts_account WHERE kind = 'CUSTOMER' GROUP BY 1, 2"""


def _accounts() -> Iterator[Value]:
    numbers: dict[str, int] = {str(one): 0 for one in ShownStatus}
    balances: dict[str, int] = {}
    overdrafts: dict[str, int] = {}
    for currency, status, count, blocked, balance, overdraft in _rows(_ACCOUNTS):
        numbers[shown_status(status, True, True)] += blocked
        numbers[shown_status(status, False, False)] += count - blocked
        balances[currency] = balances.get(currency, 0) + int(balance)
        overdrafts[currency] = overdrafts.get(currency, 0) + int(overdraft)
    for shown, number in numbers.items():
        yield "bank_accounts", (shown,), number
    for currency, units in balances.items():
        yield "bank_customers_balance_amount", (currency,), units / UNITS_PER_MAIN
        yield "bank_overdraft_used_amount", (currency,), overdrafts[currency] / UNITS_PER_MAIN


_CONNECTIONS = """
    SELECT state, count(*) FROM pg_stat_activity
    WHERE datname = current_database() GROUP BY state"""
_SERVER = """
    SELECT current_setting('max_connections')::int,
        (SELECT count(*) FROM pg_prepared_statements), pg_database_size(current_database())"""
_TABLES = """
    SELECT relname, pg_total_relation_size(oid), reltuples FROM pg_class
    WHERE oid = ANY(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)"""
# Only a standby applies the log: a backup receives it too, for a while. Without the right
# pg_read_all_stats all but the number of both is hidden.
_STANDBYS = """
    SELECT count(*) FILTER (WHERE replay_lsn IS NOT NULL OR state IS NULL),
        max(extract(epoch FROM replay_lag)),
        max(CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() - replay_lsn END)
    FROM pg_stat_replication"""


def _database() -> Iterator[Value]:
    if connection.vendor != "postgresql":
        path = Path(connection.settings_dict["NAME"])
        files = (path, path.with_name(f"{path.name}-wal"))
        size = sum(one.stat().st_size for one in files if one.exists())
        yield "bank_database_size_bytes", (), size
        return
    states = dict.fromkeys(CONNECTION_STATES, 0)
    for state, count in _rows(_CONNECTIONS):
        states[state if state in states else "other"] += count
    for state, count in states.items():
        yield "bank_database_connections", (state,), count
    ((limit, prepared, size),) = _rows(_SERVER)
    yield "bank_database_connections_limit", (), limit
    yield "bank_database_prepared_statements", (), prepared
    yield "bank_database_size_bytes", (), size


def _tables() -> Iterator[Value]:
    if connection.vendor == "postgresql":
        for table, size, rows in _rows(_TABLES, [list(tables())]):
            yield "bank_table_size_bytes", (table,), size
            yield "bank_table_rows", (table,), max(0.0, rows)  # -1: not estimated yet.


def _standbys() -> Iterator[Value]:
    if connection.vendor == "postgresql":
        ((standbys, seconds, size),) = _rows(_STANDBYS)
        yield "bank_database_standbys", (), standbys
        if size is not None:
            # A standby that has applied everything tells no lag after a while.
            yield "bank_database_replication_lag_seconds", (), float(seconds or 0)
            yield "bank_database_replication_lag_bytes", (), max(0.0, float(size))
    if settings.HAS_REPLICA:
        is_up, lag = replica.state()
        yield "bank_replica_up", (), float(is_up)
        if lag is not None:
            yield "bank_replica_lag_seconds", (), lag


@cache
def tables() -> tuple[str, ...]:
    """The tables of customers, accounts and money."""
    named = ("customers", "accounts", "transactions")
    models = [model for one in named for model in apps.get_app_config(one).get_models()]
    return tuple(model._meta.db_table for model in models if model._meta.managed)


PARTS: dict[str, Callable[[], Iterator[Value]]] = {
    "database": _database,
    "queue": waiting.read_queue,
    "approvals": waiting.read_approvals,
    "holds": waiting.read_holds,
    "webhooks": webhooks.read_webhooks,
    "books": _books,
    "duties": _duties,
    "seals": _seals,
    "accounts": _accounts,
    "jobs": jobs.read_jobs,
    "tables": _tables,
    "standbys": _standbys,
}
