"""Faults of the file or the folder: each is reported, loses and doubles nothing, and the next run
works."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection, connections
from django.utils import timezone

from core.files import FileBusy, exclusive
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.archive import runs
from transactions.archive.locks import archive_lock
from transactions.archive.runs import INTERRUPTED
from transactions.archive.selection import Selection
from transactions.commands import Retry
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.models import ArchiveRun, ArchiveSegment, Transaction
from transactions.tests.archiving import Bank, command, make_bank, prove, take

pytestmark = pytest.mark.django_db

HEADER = ARCHIVED_TRANSACTIONS.header
FIRST = Selection(keep_last=1)
_NOBODY = 65534


@pytest.fixture
def bank(archive_file: Path) -> Bank:
    """Two of six transactions are archived."""
    bank = make_bank()
    take(FIRST)
    return bank


def fails(message: str, returncode: int = 1) -> None:
    """The run ends with this exit code and message, and has done nothing."""
    segments = list(ArchiveSegment.objects.all())
    with nothing_changes(), pytest.raises(CommandError, match=message) as raised:
        command("--keep-last", "0")
    assert raised.value.returncode == returncode
    assert list(ArchiveSegment.objects.all()) == segments


def works(path: Path, rows: int = 3) -> dict[str, Any]:
    """The next run archives the rest."""
    summary = command("--keep-last", "0")
    assert summary["rows"] == rows
    prove(path)
    return summary


def test_a_symbolic_link_is_not_followed(bank: Bank, archive_file: Path) -> None:
    elsewhere = archive_file.with_name("elsewhere.csv")
    archive_file.rename(elsewhere)
    archive_file.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    fails("symbolic link")
    assert elsewhere.read_bytes() == before
    elsewhere.replace(archive_file)
    works(archive_file)


def test_a_link_to_nowhere_is_not_replaced(archive_file: Path) -> None:
    make_bank()
    archive_file.symlink_to(archive_file.with_name("nowhere"))
    fails("symbolic link")
    assert archive_file.is_symlink()
    archive_file.unlink()
    works(archive_file, rows=5)


def test_a_folder_or_a_pipe_in_its_place(bank: Bank, archive_file: Path) -> None:
    kept = archive_file.rename(archive_file.with_name("kept.csv"))
    archive_file.mkdir()
    fails("Is a directory|not a regular file")
    archive_file.rmdir()
    os.mkfifo(archive_file)
    fails("not a regular file")
    archive_file.unlink()
    kept.rename(archive_file)
    works(archive_file)


def test_a_missing_file_is_not_begun_anew(bank: Bank, archive_file: Path) -> None:
    kept = archive_file.rename(archive_file.with_name("kept.csv"))
    fails("is missing, and runs are recorded")
    assert not archive_file.exists()
    kept.rename(archive_file)
    works(archive_file)


def test_a_file_that_was_cut_short(bank: Bank, archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(whole[:-1])
    fails("was cut short")
    archive_file.write_bytes(b"")
    fails("does not begin with the header")
    archive_file.write_bytes(whole)
    works(archive_file)


@pytest.mark.parametrize(
    "edit",
    [
        lambda whole: whole.replace(b"100.00", b"100.01", 1),
        lambda whole: whole.replace(b"100.00", b"1000.00", 1),
        lambda whole: b"id" + whole,
    ],
)
def test_a_file_that_was_edited(edit: Any, bank: Bank, archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(edit(whole))
    fails("was changed|does not begin with the header")
    archive_file.write_bytes(whole)
    works(archive_file)


def test_what_no_run_wrote_is_cut_off_and_kept(bank: Bank, archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(whole + b"by hand\r\n")
    summary = works(archive_file)
    assert summary["cut_bytes"] == len(b"by hand\r\n")
    (kept,) = archive_file.parent.glob("archived_transactions.csv.cut-*")
    assert kept.read_bytes() == b"by hand\r\n"
    assert archive_file.read_bytes().startswith(whole)


def test_what_an_interrupted_run_wrote_is_cut_off_and_the_run_closed(
    bank: Bank, archive_file: Path
) -> None:
    now = timezone.now()
    run = ArchiveRun.objects.create(id=uuid7(now), started_at=now, caller="job:killed")
    with archive_file.open("ab") as file:
        file.write(archive_file.read_bytes()[len(HEADER) :][:100])
    summary = works(archive_file)
    assert (summary["interrupted"], summary["cut_bytes"]) == ([str(run.pk)], 100)
    run.refresh_from_db()
    assert run.finished_at is not None
    assert run.problem == INTERRUPTED
    assert [path.name for path in archive_file.parent.glob("*.cut-*")] == []


def test_the_file_of_another_bank_is_left_alone(archive_file: Path) -> None:
    make_bank()
    archive_file.write_bytes(HEADER + b"another bank's\r\n")
    fails("no run is recorded")
    assert archive_file.read_bytes() == HEADER + b"another bank's\r\n"
    archive_file.write_bytes(HEADER)
    works(archive_file, rows=5)


def test_a_missing_folder(archive_file: Path, settings: Any) -> None:
    make_bank()
    settings.DATA_DIR = archive_file.parent / "missing"
    fails("does not exist|cannot be written")
    assert not settings.DATA_DIR.exists()
    settings.DATA_DIR = archive_file.parent
    works(archive_file, rows=5)


@contextmanager
def folder_of_an_ordinary_user() -> Iterator[Path]:
    """A folder whose owner runs the process, without root's right to write anywhere."""
    # Not below pytest's folder, which other users may not enter.
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("archived", [True, False])
def test_a_read_only_folder(archived: bool, settings: Any) -> None:
    """Refused even if the user owns the file itself, which could still be appended to."""
    make_bank()
    with folder_of_an_ordinary_user() as folder:
        settings.DATA_DIR = folder
        archive_file = folder / "archived_transactions.csv"
        if archived:
            take(FIRST)
        folder.chmod(0o555)
        fails(rf"{folder} cannot be written to: permission denied\.")
        folder.chmod(0o755)
        works(archive_file, rows=3 if archived else 5)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limits the file size of this process, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.postgresql  # SQLite's database is a file of this process, which the limit would hit.
@pytest.mark.parametrize("room", [0, 1, 250])
def test_a_full_disk(room: int, bank: Bank, archive_file: Path) -> None:
    before = archive_file.read_bytes()
    with largest_file(len(before) + room), pytest.raises(CommandError) as raised:
        command("--keep-last", "0")
    assert raised.value.returncode == 1
    assert "larger than this process may write" in str(raised.value)
    assert archive_file.read_bytes() == before
    assert Transaction.objects.filter(archived_at__isnull=False).count() == 2
    failed = ArchiveRun.objects.latest("id")
    assert (failed.rows, failed.problem) == (0, str(raised.value))
    assert failed.finished_at is not None
    prove(archive_file)
    assert works(archive_file)["interrupted"] == []


@pytest.mark.postgresql  # As above.
def test_a_disk_that_runs_full_between_batches_keeps_what_is_archived(
    bank: Bank, archive_file: Path
) -> None:
    with (
        largest_file(archive_file.stat().st_size + 300),
        pytest.raises(CommandError, match="larger than this process may write"),
    ):
        command("--keep-last", "0", "--batch-size", "1")
    assert ArchiveRun.objects.latest("id").rows == 1
    prove(archive_file)
    works(archive_file, rows=2)


def test_the_second_of_two_at_once_is_told(bank: Bank, archive_file: Path) -> None:
    """The file's lock excludes two processes of one host."""
    lock = archive_file.with_name(f".{archive_file.name}.lock")
    with exclusive(lock, "not said"):
        fails("Another archive run is going on", returncode=3)
    works(archive_file)


@pytest.mark.postgresql  # SQLite is a file of one host.
def test_the_second_of_two_hosts_is_told(bank: Bank, archive_file: Path) -> None:
    """The database's lock: the other host has a folder of its own."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7064008)")
    try:
        fails("Another archive run is going on", returncode=3)
        with other.cursor() as cursor:
            # The server may take a moment to notice a closed connection.
            cursor.execute("SELECT pg_advisory_unlock(7064008)")
    finally:
        other.close()
    works(archive_file)


def test_half_written_files_of_a_killed_run_are_removed(bank: Bank, archive_file: Path) -> None:
    """A header, a tail to keep, or an import's copy: unfinished, and never in place."""
    for name in (archive_file.name, f"{archive_file.name}.cut-20260301T120000000000Z"):
        archive_file.with_name(f".{name}.a1b2c3d4.unfinished").write_bytes(HEADER)
    works(archive_file)
    assert not list(archive_file.parent.glob(".*.unfinished"))


def test_the_lock_ends_with_its_block(archive_file: Path) -> None:
    for _ in range(2):
        with archive_lock(archive_file), pytest.raises(FileBusy), archive_lock(archive_file):
            pass
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("20s",)


@pytest.mark.parametrize("ends", ["PENDING", "COMPLETED", "FAILED"])
def test_a_failure_that_is_retried_meanwhile_is_left(
    ends: str, bank: Bank, archive_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line is already in the file and is cut off again, whatever the retry's outcome."""
    failed = Transaction.objects.get(pk=bank.ids[3])
    deposit(bank.bob, "2000.00" if ends == "COMPLETED" else "1.00")
    other = make_account()
    deposit(other, "1.00")
    read = runs.read_lines
    read_before: list[int] = []

    def read_and_retry(*arguments: Any) -> Any:
        lines = read(*arguments)
        if not read_before and str(failed.pk).encode() in lines:
            read_before.append(len(lines))
            if ends == "PENDING":
                Transaction.objects.filter(pk=failed.pk).update(
                    status="PENDING", failure_code="", failure_detail="", retry_count=1
                )
            else:
                run(Retry(transaction_id=failed.pk, reason="There may be enough now"))
        return lines

    monkeypatch.setattr(runs, "read_lines", read_and_retry)
    outcome = take()
    assert read_before == [1]
    failed.refresh_from_db()
    assert failed.status == ends
    # Rows completed meanwhile are archived as such, rows failed again with their new failure.
    is_settled = ends != "PENDING"
    assert (failed.archived_at is not None) is is_settled
    assert outcome.run.rows == 5 + is_settled
    prove(archive_file)
