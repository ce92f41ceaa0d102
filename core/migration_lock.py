"""Lets one `migrate` run at a time on each database.

Two at once would create the same tables, or one would create guards while the other rebuilds a
table.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

# Any constant will do, except that of core.database.
_ADVISORY_LOCK = 7_064_006
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 3600.0


@contextmanager
def migration_lock(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Holds the lock exclusively. The lock ends with the process, even if that is killed.

    Raises CommandError after an hour of waiting.
    """
    if connection.vendor == "postgresql":
        with _advisory_lock(connection):
            yield
    elif connection.is_in_memory_db():  # type: ignore[attr-defined]
        yield
    else:
        with _file_lock(Path(str(connection.settings_dict["NAME"]))):
            yield


@contextmanager
def _advisory_lock(connection: BaseDatabaseWrapper) -> Iterator[None]:
    def attempt() -> bool:
        # Polls. CREATE INDEX CONCURRENTLY would wait for the snapshot of a blocked statement.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK])
            (locked,) = cursor.fetchone()
        return bool(locked)

    _wait_for(attempt)
    try:
        yield
    finally:
        # If the session is lost, so is its lock.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


@contextmanager
def _file_lock(database: Path) -> Iterator[None]:
    """The file stays: another process may be waiting for it, so it is unsafe to remove it."""
    with database.with_name(f"{database.name}.migrate-lock").open("w") as file:

        def attempt() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait_for(attempt)
        yield


def _wait_for(attempt: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not attempt():
        if time.monotonic() > deadline:
            raise CommandError("Another `migrate` has held this database for an hour.")
        time.sleep(_POLL_SECONDS)
