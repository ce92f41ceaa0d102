"""Allows one run of a job at a time: by a database lock for hosts, by a file lock for processes."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from core.files import FileBusy, exclusive, remove_leftovers
from core.timeouts import switched_off

_LOOK_SECONDS = 0.02


@contextmanager
def single_run(path: Path, *, number: int, busy: str) -> Iterator[None]:
    """Excludes every other run with this number on this database, and any other on this file.

    Both locks end with the process. `number` is that of PostgreSQL's advisory lock: a constant that
    nothing else uses. On SQLite the file's lock is the only one. Removes the unfinished copies that
    killed runs have left beside the file.

    Raises FileBusy with the text `busy` if another run holds either, and FileProblem if the folder
    does not allow it. The file's lock is known at once. The database's is waited for, as long as
    the lock time-out: PostgreSQL ends the session of a killed run a little later than the process.
    """
    with ExitStack() as held:
        held.enter_context(exclusive(lock_path(path), busy))
        if connection.vendor == "postgresql":
            held.enter_context(_advisory_lock(number, busy))
        remove_leftovers(path.parent, path.name)
        yield


def lock_path(path: Path) -> Path:
    """The file that a run on `path` locks."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def _advisory_lock(number: int, busy: str) -> Iterator[None]:
    deadline = time.monotonic() + settings.LOCK_TIMEOUT_SECONDS
    with connection.cursor() as cursor:
        while not _taken(cursor, number):
            if time.monotonic() > deadline:
                raise FileBusy(busy)
            time.sleep(_LOOK_SECONDS)
        # Turns JIT compilation off: for batches looked up row by row, it costs more than it saves.
        cursor.execute("SET jit = off")
    try:
        # The time-out is made for requests. A run may read past many rows in one statement.
        with switched_off(connection, "statement_timeout"):
            yield
    finally:
        # A lost session loses its lock and its settings too.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET jit")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _taken(cursor: Any, number: int) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
    return bool(cursor.fetchone()[0])
