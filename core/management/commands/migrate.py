"""`migrate`, one at a time, to which missing guards are a warning: it is what puts them back."""

from typing import Any

from django.core.checks import Warning
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core import database
from core.migration_lock import migration_lock


class Command(migrate.Command):
    def check(self, *args: Any, **kwargs: Any) -> None:
        with database.reported_as(Warning):
            super().check(*args, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with migration_lock(connection):
            _take_time(connection)
            super().handle(*args, **options)


def _take_time(connection: BaseDatabaseWrapper) -> None:
    """A migration may work longer than a request. It waits for locks no longer than one does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
