"""`flush`, for test databases only: elsewhere the ledger's guards refuse to delete any row."""

from pathlib import Path
from typing import Any, cast

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core import database


class Command(flush.Command):
    help = (
        "Empties a test database. Refused elsewhere: accounts and transactions are kept for ever."
    )

    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        if not _is_test_database(connection):
            raise CommandError("A bank's database is never flushed; only test databases are.")
        database.drop_objects(connection, kinds=("trigger",))
        try:
            super().handle(**options)
        finally:
            # post_migrate may have done so already, unless it was inhibited.
            database.create_objects(connection)


def _is_test_database(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor == "sqlite" and cast(Any, connection).is_in_memory_db():
        return True
    return Path(str(connection.settings_dict["NAME"])).name.startswith("test_")
