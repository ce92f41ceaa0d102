"""A lock shared by all processes that serve a bank on SQLite, so that nobody moves its files.

SQLite forbids renaming an open database: its journal would stay behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from core.files import FileBusy, os_errors_as_file_problem

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
# Open until the process ends.
_held: list[int] = []


def hold_while_serving(connection: BaseDatabaseWrapper) -> None:
    """Holds a share of the lock until this process ends. A failure of the lock is ignored."""
    if connection.vendor == "sqlite" and not _held:
        with suppress(OSError):
            descriptor = os.open(_path(connection), _FLAGS, 0o600)
            _held.append(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextmanager
def nobody_serves(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Holds the lock exclusively: nobody else serves this bank on SQLite until the block ends.

    Raises FileBusy if a process serves it, and FileProblem if the lock cannot be created.
    """
    path = _path(connection)
    with os_errors_as_file_problem(path):
        descriptor = os.open(path, _FLAGS, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileBusy("The bank is being served. Stop it first.") from None
    else:
        yield
    finally:
        os.close(descriptor)


def _path(connection: BaseDatabaseWrapper) -> Path:
    database = Path(str(connection.settings_dict["NAME"]))
    return database.with_name(f"{database.name}.serving-lock")
