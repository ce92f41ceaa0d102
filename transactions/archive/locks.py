"""Allows one archive run at a time: by a database lock for hosts, by a file lock for processes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import connection

from core.files import FileBusy, exclusive, remove_leftovers
from core.timeouts import switched_off

# Any constant not used by core.database and core.migration_lock.
_ADVISORY_LOCK = 7_064_008
_BUSY = "Another archive run is going on."


@contextmanager
def archive_lock(path: Path) -> Iterator[None]:
    """Excludes every other run on this database or this file. Both locks end with the process.

    Removes the unfinished copies that killed runs have left beside the file.
    On SQLite the file's lock is the only one. Raises FileBusy at once if another run holds either,
    and FileProblem if the folder does not allow it.
    """
    with ExitStack() as held:
        held.enter_context(exclusive(path.with_name(f".{path.name}.lock"), _BUSY))
        if connection.vendor == "postgresql":
            held.enter_context(_advisory_lock())
        remove_leftovers(path.parent, path.name)
        yield


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise FileBusy(_BUSY)
        # Turns JIT compilation off: for batches looked up row by row, it costs more than it saves.
        cursor.execute("SET jit = off")
    try:
        # The time-out is made for requests. With `--keep-last` a statement may read past many rows.
        with switched_off(connection, "statement_timeout"):
            yield
    finally:
        # A lost session loses its lock and its settings too.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET jit")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
