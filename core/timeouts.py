"""The time-outs of PostgreSQL: set on each connection, and compared with its actual values.

A statement sets them when a connection is opened. The start-up parameter `options` would not work:
PgBouncer refuses or drops it. A pooler in transaction mode uses another session for each database
transaction. Behind such a pooler the role must have the time-outs too (`ALTER ROLE ... SET`):
docs/operations.md.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.stand_in import REPLICA

logger = logging.getLogger(__name__)

# In milliseconds: `setting` is the current value, `reset_val` that of a new session of this role.
_ASK = """
    SELECT name, CAST(setting AS bigint), CAST(reset_val AS bigint), pg_backend_pid()
    FROM pg_settings WHERE name = ANY(%s)"""


def set_timeouts(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Handler of `connection_created`: sets all time-outs in one statement."""
    if connection.vendor != "postgresql":
        return
    wanted = settings.DATABASE_TIMEOUT_SECONDS
    given = {name: f"{value}s" for name, value in wanted.items()}
    if connection.alias == REPLICA:  # A standby refuses to write; a promoted one would not.
        given["default_transaction_read_only"] = "on"
    calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in given.items())
    try:
        with connection.wrap_database_errors:
            connection.connection.execute(f"SELECT {calls}", prepare=False)
    except BaseException:
        connection.close()  # A connection without time-outs must not be used.
        raise


@contextmanager
def switched_off(connection: BaseDatabaseWrapper, *names: str) -> Iterator[None]:
    """Switches time-outs off for work longer than a request. Afterwards each is as it was before.

    Blocks may be nested.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [list(names)])
        before = {name: milliseconds for name, milliseconds, _, _ in cursor.fetchall()}
        for name in names:
            cursor.execute(f"SET {name} = 0")
    try:
        yield
    finally:
        # If the session is lost, so are its settings.
        if connection.is_usable():
            with connection.cursor() as cursor:
                for name, milliseconds in before.items():
                    cursor.execute(f"SET {name} = '{milliseconds}ms'")


def not_in_force(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the time-outs that are not in force on this connection."""
    return [name for name, milliseconds, _, _ in _told(connection) if not milliseconds]


def _told(connection: BaseDatabaseWrapper) -> list[tuple[str, int, int, int]]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [list(settings.DATABASE_TIMEOUT_SECONDS)])
        return sorted(cursor.fetchall())


def problems(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    """Problems with the time-outs of this connection, and possible ones of the next."""
    told = _told(connection)
    wanted = settings.DATABASE_TIMEOUT_SECONDS
    off = [name for name, milliseconds, _, _ in told if not milliseconds]
    longer = [name for name, now, _, _ in told if now > wanted[name] * 1000]
    messages: list[CheckMessage] = []
    if off:
        messages.append(
            Error(f"Time-outs are off: {', '.join(off)}.", hint=_hint(off), id="bank.E004")
        )
    if longer:
        messages.append(
            Warning(f"Time-outs are longer than set: {', '.join(longer)}.", id="bank.W002")
        )
    by_chance = [name for name, now, of_role, _ in told if now and not of_role]
    if by_chance and _is_pooled(connection, told[0][3]):
        messages.append(
            Warning(
                f"Behind a pooler the role should have {', '.join(by_chance)}: in transaction mode"
                " they are in force by chance only.",
                hint=_hint(by_chance),
                id="bank.W003",
            )
        )
    return messages


def _is_pooled(connection: BaseDatabaseWrapper, backend_pid: int) -> bool:
    """Whether a pooler is in between: its process id differs from the server process's."""
    return bool(connection.connection.info.backend_pid != backend_pid)


def _hint(names: Sequence[str]) -> str:
    wanted = settings.DATABASE_TIMEOUT_SECONDS
    return " ".join(f"ALTER ROLE CURRENT_USER SET {name} = '{wanted[name]}s';" for name in names)


def warn() -> None:
    """Logs these problems once, when a process begins to serve."""
    for message in problems(connections[DEFAULT_DB_ALIAS]):
        logger.warning("%s %s", message.msg, message.hint or "")


def check_timeouts(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django gives it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check (tag `database`)."""
    return [message for alias in databases or [] for message in problems(connections[alias])]
