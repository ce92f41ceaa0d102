"""If a folder is read-only or a disk is full, commands print one sentence and exit with 1."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankproject.tests.test_trouble import require_sentences
from tests.container import launcher_of
from tests.scratch import migrated_bank
from tests.unprivileged import private_folder, unprivileged_account

# The embedded bank only: on PostgreSQL the server writes, and tests/crash/test_database_trouble.py
# fills its disk.
pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

KEY = {"DJANGO_SECRET_KEY": "only for tests, only for tests, only for tests, 0123456789"}
# Commands that write even on an empty bank.
WRITING = [
    "archive_transactions",
    "createsuperuser --no-input --username x --email x@example.com",
    "export_data",
    "migrate --verbosity=0",
    "setup_demo",
    "verify_archive",
    "verify_ledger",
]
# The process's file size limit stands in for a full disk. Setting it needs no right.
_LIMIT = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192));"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of a migrated bank, owned by a user without rights."""
    account = unprivileged_account()
    with private_folder("bank-trouble-", account) as folder, migrated_bank(folder):
        if account:
            os.chown(folder / "bank.sqlite3", account["user"], account["group"])
        yield folder


def test_a_read_only_folder_is_one_sentence(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        require_sentences(
            folder,
            [*WRITING, "serve"],
            "permission denied|is read-only",
            KEY,
            launcher_of(unprivileged_account()),
        )
    finally:
        folder.chmod(0o700)


def test_a_disk_that_takes_no_more_is_one_sentence(folder: Path) -> None:
    said = "disk I/O error|larger than this process may write"
    require_sentences(folder, WRITING, said, KEY, [sys.executable, "-c", _LIMIT])
