"""`verify_archive` finds changes to the file, `verify_ledger` changes to its records."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from core.identifiers import uuid7
from tests.api import API, make_user, staff
from transactions.archive.selection import Selection
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.models import ArchiveRun, ArchiveSegment, Transaction
from transactions.tests.archiving import Bank, findings, make_bank, prove, take
from transactions.tests.damaged_ledger import execute, unguarded
from transactions.verifier import archive, examine
from transactions.verifier.archive_file import examine_archive, verify_archive

pytestmark = pytest.mark.django_db

HEADER = ARCHIVED_TRANSACTIONS.header
END = b"\r\n"


@pytest.fixture
def bank(archive_file: Path) -> Bank:
    """Three segments: lines 2 and 3 of a first run, 4 to 6 and 7 of a second one."""
    bank = make_bank()
    take(Selection(keep_last=1))
    take()
    assert [one.rows for one in ArchiveSegment.objects.all()] == [2, 3, 1]
    return bank


def places() -> dict[str, dict[str, Any]]:
    """The first place of each finding."""
    return {one.code: one.places[0].as_json() for one in examine_archive(connection).findings}


def test_a_whole_archive(bank: Bank, archive_file: Path) -> None:
    report = examine_archive(connection)
    assert report.as_json() == {
        "ok": True,
        "checked": {
            "runs": 2,
            "segments": 3,
            "lines": 6,
            "bytes": archive_file.stat().st_size - len(HEADER),
            "renamed_users": 0,
        },
        "findings": [],
    }


def test_a_bank_without_an_archive(archive_file: Path) -> None:
    report = examine_archive(connection)
    assert report.ok
    assert set(report.checked.values()) == {0}


def edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[4].replace(b"2.00", b"3.00", 1), *lines[5:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[3], *lines[5:]]


def from_elsewhere(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[1], *lines[5:]]


def unknown(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], b"0" + lines[4][1:-1] + b"!", *lines[5:]]


def unreadable(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], b'"\xff', *lines[5:]]


def removed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], *lines[5:]]


def inserted(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], b"a line", *lines[4:]]


# Changes to the lines (the header is line 1): the first bad line, and the expected one.
EDITS: list[tuple[Callable[[list[bytes]], list[bytes]], int | None, str]] = [
    (edited, 5, ""),
    (swapped, None, ""),
    (doubled, 5, "another transaction: it is already in the file"),
    (from_elsewhere, 5, "a transaction that this segment has marked"),
    (unknown, 5, ""),
    (unreadable, 5, "a transaction of this bank"),
    # Later lines of the segment have moved up, and are right except for their places.
    (removed, 6, ""),
    (inserted, 5, "a transaction of this bank"),
]


@pytest.mark.parametrize(("edit", "line", "expected"), EDITS)
def test_the_first_bad_line_is_named(
    edit: Callable[[list[bytes]], list[bytes]],
    line: int | None,
    expected: str,
    bank: Bank,
    archive_file: Path,
) -> None:
    lines = edit(archive_file.read_bytes().split(END))
    archive_file.write_bytes(END.join(lines))
    found = places()
    digest = found["A1.digest"]
    assert (digest["segment"], digest["first_line"], digest["last_line"]) == (2, 4, 6)
    if line is None:  # Each line is right by itself, but their order is wrong.
        assert set(found) == {"A1.digest"}
        return
    bad = found["A1.bad_line"]
    assert (bad["line"], bad["segment"]) == (line, 2)
    assert bad["byte"] == len(END.join(lines[: line - 1])) + len(END)
    assert bad["expected"].startswith(expected)
    assert bad["run_id"] == str(ArchiveRun.objects.latest("id").pk)


def test_a_file_that_is_gone_or_cut_or_goes_on(bank: Bank, archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(whole[:-1])
    assert set(places()) == {"A1.digest", "A1.bad_line"}
    archive_file.write_bytes(whole[: whole.rindex(END, 0, -2) + 2])
    assert set(places()) == {"A1.digest", "A1.lines_of_segment"}
    archive_file.write_bytes(b"ID" + whole[2:])
    assert set(places()) == {"A1.header"}
    archive_file.write_bytes(whole + b"more")
    assert places()["A1.unrecorded_bytes"] == {
        "line": 8, "byte": len(whole), "expected": str(len(whole)), "found": str(len(whole) + 4)
    }  # fmt: skip
    archive_file.unlink()
    assert set(places()) == {"A1.file_missing"}
    archive_file.mkdir()
    assert set(places()) == {"A1.file_unreadable", "A1.file_missing"}


def test_a_run_that_goes_on_may_have_written_more(bank: Bank, archive_file: Path) -> None:
    ArchiveRun.objects.create(id=uuid7(timezone.now()), started_at=timezone.now())
    with archive_file.open("ab") as file:
        file.write(b"not recorded yet")
    assert findings() == []


def test_a_user_who_was_renamed_since(archive_file: Path) -> None:
    bank = make_bank()
    teller = staff("teller")
    teller.post(f"{API}accounts/{bank.ada.id}/deposit/", {"amount": "1.00"})
    take()
    get_user_model().objects.filter(username="teller").update(username="former, teller")
    report = examine_archive(connection)
    assert report.ok
    assert report.checked["renamed_users"] == 1
    # Any other difference is a finding.
    archive_file.write_bytes(archive_file.read_bytes().replace(b",1.00,", b",9.00,", 1))
    assert "A1.bad_line" in findings()


T, S, R = "transactions_transaction", "transactions_archivesegment", "transactions_archiverun"
MARKED = f"SELECT id FROM {T} WHERE archived_at IS NOT NULL ORDER BY id LIMIT 1"

# Changes to the records, and the rules that they break.
DAMAGES: list[tuple[str, set[str]]] = [
    (f"UPDATE {S} SET number = 9 WHERE number = 3", {"A1.segment_missing"}),
    (f"UPDATE {S} SET file_start = file_start + 1 WHERE number = 2", {"A1.segment_not_connected"}),
    (
        f"UPDATE {S} SET rows = 4 WHERE number = 2",
        {"A1.segment_rows", "A1.run_rows"},
    ),
    (f"UPDATE {S} SET sums = '{{}}' WHERE number = 1", {"A1.segment_sums"}),
    (f"UPDATE {S} SET checkpoint = '{{}}' WHERE number = 1", {"A1.checkpoint"}),
    (f"UPDATE {R} SET rows = 1 WHERE file_start = 398", {"A1.run_rows"}),
    (f"UPDATE {R} SET file_end = 1 WHERE file_start = 398", {"A1.run_end"}),
    (f"UPDATE {R} SET digest = 'x' WHERE file_start = 398", {"A1.run_digest"}),
    (
        f"UPDATE {T} SET archived_at = NULL, archive_run_id = NULL WHERE id IN ({MARKED})",
        {"A1.segment_rows", "A1.segment_sums", "A1.checkpoint"},
    ),
    (
        f"UPDATE {T} SET archived_at = created_at WHERE id IN ({MARKED})",
        {"A1.mark_without_segment", "A1.segment_rows", "A1.segment_sums", "A1.checkpoint"},
    ),
    (
        f"UPDATE {S} SET recorded_at = (SELECT min(created_at) FROM {T}) WHERE number = 2",
        {
            "A1.segment_time",
            "A1.mark_without_segment",
            "A1.segment_rows",
            "A1.segment_sums",
            "A1.checkpoint",
        },
    ),
]


@pytest.mark.parametrize(("statement", "codes"), DAMAGES)
def test_damaged_records_are_found(statement: str, codes: set[str], bank: Bank) -> None:
    with unguarded():
        assert broken_rules() == set()
        assert execute(statement) == 1
        assert broken_rules() == codes


def broken_rules() -> set[str]:
    """The findings of `verify_ledger`, except for the missing guards."""
    return {one.code for one in examine(connection).findings} - {"L3.guard_missing"}


def test_every_rule_of_the_records_has_its_damage() -> None:
    passes = (archive.SEGMENTS, archive.MARKS, archive.RUNS)
    known = {rule.code for rules in passes for rule in rules.rules}
    broken = set().union(*(codes for _, codes in DAMAGES))
    assert broken == known | {"A1.segment_sums", "A1.checkpoint"}


def test_a_row_that_was_changed_is_not_what_stands_in_the_file(bank: Bank) -> None:
    with unguarded():
        execute(f"UPDATE {T} SET description = 'another' WHERE id IN ({MARKED})")
        assert places()["A1.bad_line"]["line"] == 2


@pytest.mark.django_db(transaction=True)
def test_the_command_tells_and_exits(archive_file: Path) -> None:
    make_user("someone")
    make_bank()
    take()
    prove(archive_file)
    output = io.StringIO()
    call_command("verify_archive", "--json", stdout=output)
    assert json.loads(output.getvalue()) == verify_archive().as_json()
    archive_file.write_bytes(archive_file.read_bytes().replace(b"7.25", b"7.26", 1))
    output = io.StringIO()
    with pytest.raises(SystemExit) as raised:
        call_command("verify_archive", stdout=output)
    assert raised.value.code == 1
    assert "A1.bad_line" in output.getvalue()
    assert "line 3, byte" in output.getvalue()
    output = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_archive", "--json", stdout=output)
    assert json.loads(output.getvalue())["ok"] is False
    assert Transaction.objects.filter(archived_at__isnull=False).count() == 6
