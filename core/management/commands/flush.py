"""`flush`, for test databases only: elsewhere the ledger's guards refuse to delete any row.

Tests call it after each test that commits, so it does as little as it can. It keeps what `migrate`
fills from the code, and so it announces no `post_migrate`, which would fill that in again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core import database

# What `migrate` fills from the code.
_KEPT = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
}


class Command(flush.Command):
    help = (
        "Empties a test database. Refused elsewhere: accounts and transactions are kept for ever."
    )

    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        if not _is_test_database(connection):
            raise CommandError("A bank's database is never flushed; only test databases are.")
        tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        with transaction.atomic(using=connection.alias), _unguarded(connection):
            _empty(connection, set(tables) - _KEPT)


def _empty(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608


@contextmanager
def _unguarded(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """No guard speaks in the block, and all are there after it: a test may have taken some away.

    A superuser of PostgreSQL switches them off for a while.
    """
    if connection.vendor == "postgresql" and _is_superuser(connection):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    else:
        database.drop_objects(connection, kinds=("trigger",))
        yield
    database.create_objects(connection)


def _is_superuser(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def _is_test_database(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor == "sqlite" and cast(Any, connection).is_in_memory_db():
        return True
    return Path(str(connection.settings_dict["NAME"])).name.startswith("test_")
