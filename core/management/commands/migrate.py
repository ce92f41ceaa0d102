"""`migrate`, one at a time. Missing guards only give a warning: `migrate` recreates them."""

from typing import Any

from django.core.checks import Warning
from django.core.management.base import CommandError, SystemCheckError
from django.core.management.commands import migrate
from django.db import connections

from core import database
from core.migration_lock import migration_lock
from core.timeouts import switched_off


class Command(migrate.Command):
    def check(self, *args: Any, **kwargs: Any) -> None:
        """As Django's, but a failed check gives one sentence, like any other trouble."""
        with database.reported_as(Warning):
            try:
                super().check(*args, **kwargs)
            except SystemCheckError as error:
                _, _, findings = str(error).partition("ERRORS:")
                raise CommandError(" ".join((findings or str(error)).split())) from None

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        # A migration may run longer than a request, but waits no longer for a lock.
        long = ("statement_timeout", "idle_in_transaction_session_timeout")
        with migration_lock(connection), switched_off(connection, *long):
            super().handle(*args, **options)
