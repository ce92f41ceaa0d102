"""Imports that are killed at every step, run at once, and meet a full disk."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.failpoints import FAILPOINTS
from tests.crash.processes import eventually, is_stopped
from tests.exports import contents
from tests.scratch import Bank, finish, migrated_bank
from transactions.tests.eventful_bank import exported_eventful_bank

pytestmark = pytest.mark.django_db(transaction=True)

# The steps before the commit: a kill there undoes everything.
BEFORE_COMMIT = ("import.locked", "import.copied", "import.loaded", "import.verified")
COMMITTED = "import.committed"
KILLED = -signal.SIGKILL
AT_WORK = 3
ARCHIVE = "archived_transactions.csv"

# A limit of the process's file size, as if the disk were full (RLIMIT_FSIZE).
_SHORT_OF_ROOM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "import_data", sys.argv[1]])
"""


def test_every_point_of_an_import_is_killed_below() -> None:
    points = {point for point in FAILPOINTS if point.startswith("import.")}
    assert points == {*BEFORE_COMMIT, COMMITTED}


@pytest.fixture(scope="module")
def exported(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    with django_db_blocker.unblock():
        return exported_eventful_bank(tmp_path_factory.mktemp("eventful"))


@pytest.fixture
def bank(exported: Path, transactional_db: None, tmp_path: Path) -> Iterator[Bank]:
    """An empty bank whose processes may be killed."""
    folder = tmp_path / "bank"
    folder.mkdir()
    with migrated_bank(folder) as bank:
        bank.environment |= {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
        bank.environment |= {"BANK_LOCK_TIMEOUT_SECONDS": "1"}
        yield bank


def require_imported(bank: Bank, exported: Path) -> None:
    """Asserts that the bank has the content of the files, and exports the same files again."""
    assert bank.manage("verify_archive")[0] == 0
    again = bank.folder / "again"
    again.mkdir()
    code, output = bank.manage("export_data", "--dir", str(again))
    assert code == 0, output
    assert contents(again) == contents(exported)


def import_once_free(bank: Bank, exported: Path, **environment: str) -> tuple[int, str]:
    """Imports once no other import holds the lock.

    PostgreSQL ends the session of a killed process some time later, on a busy machine. Until then,
    the command says that another import is at work.
    """

    def answer() -> tuple[int, str] | None:
        code, output = bank.manage("import_data", str(exported), **environment)
        return None if code == AT_WORK else (code, output)

    code, output = eventually(answer)
    return code, output


def test_a_killed_import_leaves_an_empty_bank_that_imports_again(
    bank: Bank, exported: Path
) -> None:
    for point in (*BEFORE_COMMIT, COMMITTED):
        # The bank must be empty each time, or the import would not reach the failpoint.
        code, output = import_once_free(bank, exported, BANK_FAILPOINTS=f"{point}=kill")
        assert code == KILLED, (point, output)
    code, output = import_once_free(bank, exported)
    assert (code, "This bank is not empty." in output) == (1, True)
    require_imported(bank, exported)


def test_of_two_imports_the_second_is_told(bank: Bank, exported: Path) -> None:
    first = bank.start(
        "manage.py", "import_data", str(exported), BANK_FAILPOINTS="import.loaded=stop"
    )
    eventually(lambda: is_stopped(first.pid))
    code, output = bank.manage("import_data", str(exported))
    assert code == 3, output
    assert "is at work." in output
    first.send_signal(signal.SIGCONT)
    assert finish(first)[0] == 0


def test_a_full_disk_leaves_an_empty_bank_that_imports_again(bank: Bank, exported: Path) -> None:
    code, output = finish(bank.start("-c", _SHORT_OF_ROOM, str(exported)))
    assert code == 1, output
    assert output.endswith("Nothing was loaded.\n")
    assert not (bank.folder / ARCHIVE).exists()
    assert bank.manage("import_data", str(exported))[0] == 0
