"""`migrate`, one at a time. Missing guards are only a warning here, because it recreates them."""

from typing import Any

from django.core.checks import Warning
from django.core.management.commands import migrate
from django.db import connections

from core import database
from core.migration_lock import migration_lock
from core.timeouts import switched_off


class Command(migrate.Command):
    def check(self, *args: Any, **kwargs: Any) -> None:
        with database.reported_as(Warning):
            super().check(*args, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        # A migration may run longer than a request, but waits for locks no longer than one.
        long = ("statement_timeout", "idle_in_transaction_session_timeout")
        with migration_lock(connection), switched_off(connection, *long):
            super().handle(*args, **options)
