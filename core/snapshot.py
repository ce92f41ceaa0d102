"""One consistent read of the whole database, of any length, without blocking writers."""

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.files import FileProblem, os_errors_as_file_problem

_POSTGRESQL_BEGIN = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # The time-outs are meant for requests. A read of everything takes longer.
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    # These reads run to the end, so plans with a fast start have no advantage.
    "SET LOCAL cursor_tuple_fraction = 1",
    # The first query fixes the snapshot; a SET does not.
    "SELECT 1",
)

# A commit waits for at most one step, a few milliseconds.
_PAGES_IN_STEP = 1000
_PATIENCE_SECONDS = 5
_LOCK_TIMEOUT_SECONDS = 60


@contextmanager
def snapshot(using: str = DEFAULT_DB_ALIAS) -> Iterator[BaseDatabaseWrapper]:
    """Gives a read-only connection to the committed state of the database at one moment.

    Raw SQL uses its cursors, the ORM its alias: `Account.objects.using(connection.alias)`. Only
    this thread knows the alias, until the block ends. Writers go on; their changes are not visible.

    PostgreSQL: the connection itself, in one REPEATABLE READ READ ONLY database transaction without
    a statement time-out. SQLite: a connection to a copy in a temporary folder beside the database.
    The copy needs as much free space as the database. The next snapshot removes leftovers of killed
    processes.

    Raises RuntimeError inside a database transaction, OperationalError if the database stays
    locked, and FileProblem if the copy cannot be written: its folder is read-only, or the disk
    full.
    """
    connection = connections[using]
    read = _postgresql if connection.vendor == "postgresql" else _sqlite
    with read(connection) as reader:
        yield reader


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    with transaction.atomic(using=connection.alias, durable=True):
        with connection.cursor() as cursor:
            for statement in _POSTGRESQL_BEGIN:
                cursor.execute(statement)
        yield connection


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    if connection.in_atomic_block:
        raise RuntimeError("A snapshot cannot be taken inside a database transaction.")
    database = Path(connection.settings_dict["NAME"])
    with _place_for_copy(database) as folder:
        path = folder / database.name
        connection.ensure_connection()
        try:
            _copy(connection.connection, path)
        except sqlite3.Error as error:
            raise FileProblem(f"{database} cannot be copied beside itself: {error}.") from error
        with _reader(connection, path) as reader:
            yield reader


@contextmanager
def _place_for_copy(database: Path) -> Iterator[Path]:
    """A folder for one copy, beside the database.

    Each owner of a copy holds a shared lock on the parent folder until its process ends. A process
    that gets the exclusive lock knows that all existing copies are leftovers.
    """
    prefix = f".{database.name}-snapshot-"
    with os_errors_as_file_problem(database.parent, "read"):
        descriptor = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for leftover in database.parent.glob(f"{escape(prefix)}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with os_errors_as_file_problem(database.parent, "written to"):
            folder = TemporaryDirectory(prefix=prefix, dir=database.parent)
        with folder as name:
            yield Path(name)
    finally:
        os.close(descriptor)


@contextmanager
def _reader(connection: BaseDatabaseWrapper, path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the copy. Its alias is not in the settings, so other threads never see it."""
    reader = connection.copy(alias=path.parent.name)
    reader.settings_dict["NAME"] = path
    connections[reader.alias] = reader
    try:
        with reader.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")
        yield reader
    finally:
        del connections[reader.alias]
        reader.close()


class _WrittenMeanwhile(Exception):
    """Commits of others keep restarting the copy."""


def _copy(source: sqlite3.Connection, path: Path) -> None:
    """Copies in small steps, so that a commit waits for only one of them.

    Each commit restarts the copy. Under constant writes the copy would never end. So after a while
    it is made in one step, and commits wait for that as for any other writer.
    """
    target = sqlite3.connect(path)
    try:
        try:
            _backup(source, target, _PAGES_IN_STEP, _PATIENCE_SECONDS, _WrittenMeanwhile())
        except _WrittenMeanwhile:
            locked = OperationalError("The database stayed locked; no copy could be made.")
            _backup(source, target, -1, _LOCK_TIMEOUT_SECONDS, locked)
    finally:
        target.close()


def _backup(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    pages: int,
    timeout_seconds: float,
    error: Exception,
) -> None:
    """Runs SQLite's online backup. Raises `error` if it does not finish in time."""
    deadline = time.monotonic() + timeout_seconds

    def check_deadline(status: int, _remaining: int, _total: int) -> None:
        # Called after each step, and after each attempt that found the database locked.
        if status != sqlite3.SQLITE_DONE and time.monotonic() > deadline:
            raise error

    source.backup(target, pages=pages, progress=check_deadline, sleep=0.01)
