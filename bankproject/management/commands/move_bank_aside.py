"""`manage.py move_bank_aside`: the first step of `make fresh`. Deletes nothing."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction

from bankproject.management.commands.setup_demo import LOGINS_NAME
from core.files import os_errors_as_file_problem, sync_folder
from core.migration_lock import migration_lock
from core.results import add_json, write_result
from core.serving_lock import nobody_serves
from transactions.files.formats import FILES
from transactions.files.manifest import MANIFEST_NAME

_TABLES = [file.name for file in FILES]
_KEY = "secret_key"
# In this order, so that even after a kill no old archive stays beside a new database.
_PATTERNS = (
    *(f"{name}.*" for name in _TABLES),
    *(f".{name}.*" for name in _TABLES),
    MANIFEST_NAME,
    ".export.lock",
    "seal_key.pem*",
    "bank.sqlite3",
    "bank.sqlite3-*",
    LOGINS_NAME,
    _KEY,
)


class Command(BaseCommand):
    help = (
        "Moves a bank on SQLite, with its archive, exports and key, into a dated folder beside it,"
        " so that an empty one can begin. Refused in production, on PostgreSQL, and while the bank"
        " is being served. Exit codes: 0 done, also if there was nothing to move; 1 a problem."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only show the files it would move"
        )
        add_json(parser)

    def handle(self, *, dry_run: bool, json: bool, **_: Any) -> None:
        if settings.PRODUCTION or connection.vendor != "sqlite":
            raise CommandError(
                "Only a bank on SQLite that is not for production is moved aside. For a new bank on"
                " PostgreSQL, make a new database, and set BANK_DATA_DIR to a new folder."
            )
        folder = settings.DATA_DIR
        with nobody_serves(connection), migration_lock(connection):
            _settle(folder / "bank.sqlite3")
            names = files_of_bank(folder)
            if names in ([], [_KEY]):  # Every command creates a missing key.
                nothing = {"dry_run": dry_run, "folder": str(folder), "files": []}
                words = [f"There is no bank in {folder}: nothing to move."]
                write_result(self.stdout, nothing, words, as_json=json)
                return
            aside = folder / f"aside-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            if not dry_run:
                _move(names, folder, aside)
        verb = "would be moved" if dry_run else "was moved"
        write_result(
            self.stdout,
            {"dry_run": dry_run, "folder": str(folder), "moved_to": str(aside), "files": names},
            [
                f"The bank in {folder} {verb} to {aside}: {', '.join(names)}.",
                "To have it back, move these files back. To be rid of it, delete them.",
            ],
            as_json=json,
        )


def files_of_bank(folder: Path) -> list[str]:
    """The names of the bank's files, in the order of moving."""
    found: Iterator[str] = (
        path.name for pattern in _PATTERNS for path in sorted(folder.glob(pattern))
    )
    return list(dict.fromkeys(found))


def _settle(database: Path) -> None:
    """Rolls back the journal of a killed process; leaves a broken database as it is."""
    if database.exists():
        with suppress(DatabaseError), transaction.atomic():
            pass
        connection.close()


def _move(names: list[str], folder: Path, aside: Path) -> None:
    with os_errors_as_file_problem(aside, "made"):
        aside.mkdir(mode=0o700)
    for name in names:
        with os_errors_as_file_problem(folder / name, "moved"):
            (folder / name).rename(aside / name)
    sync_folder(aside)
    sync_folder(folder)
