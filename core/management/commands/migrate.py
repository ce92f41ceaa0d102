"""`migrate`, one at a time. Missing guards only give a warning: `migrate` recreates them.

A migration beside writers may wait too long for a table, or end a deadlock with them. It can be run
again: most are one database transaction, and the others repeat what is there. So `migrate` goes on
from it after a pause.
"""

import time
from typing import Any

from django.core.checks import Warning
from django.core.management.base import CommandError, SystemCheckError
from django.core.management.commands import migrate
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core import database, database_errors
from core.migration_lock import migration_lock
from core.timeouts import switched_off

# Writers wait behind a `migrate` that waits for their table. In the pause they catch up.
_ATTEMPTS = 20
_PAUSE_SECONDS = 3


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
        depth = len(connection.atomic_blocks)
        with migration_lock(connection), switched_off(connection, *long):
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    super().handle(*args, **options)
                except DatabaseError as error:
                    is_free_soon = database_errors.meaning_of(error).tried_again
                    if not is_free_soon or attempt == _ATTEMPTS:
                        raise
                    _leave(connection, error, depth)
                    if options["verbosity"]:
                        self.stdout.write("")  # Ends the line of the migration.
                        self.stdout.flush()
                    self.stderr.write(
                        f"Others use the tables ({database_errors.reason_of(error)}). `migrate`"
                        f" goes on in {_PAUSE_SECONDS} seconds (attempt {attempt + 1} of"
                        f" {_ATTEMPTS})."
                    )
                    time.sleep(_PAUSE_SECONDS)
                else:
                    return


def _leave(connection: BaseDatabaseWrapper, error: DatabaseError, depth: int) -> None:
    """Rolls back the transactions above the depth.

    Django leaves that of a migration open if a statement fails that it has put off to the end, such
    as a foreign key.
    """
    while len(connection.atomic_blocks) > depth:
        connection.atomic_blocks[-1].__exit__(type(error), error, error.__traceback__)
