"""An import restores an export byte for byte, or not at all."""

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account, AccountEvent
from core import failpoints
from tests.assertions import nothing_changes
from tests.exports import contents, export_inside, export_of, renew_manifest
from tests.factories import make_account
from tests.random_ledger import write_random_ledger
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.models import ArchiveRun, ArchiveSegment, Batch, Transaction
from transactions.tests.eventful_bank import exported_eventful_bank
from transactions.tests.queueing import assert_clean, work

pytestmark = pytest.mark.django_db

REFUSED = "The files cannot be loaded."
CUSTOMER = 1  # A row of accounts.csv.
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


def import_data(folder: Path, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("import_data", str(folder), *options, stdout=out, stderr=StringIO())
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def refused(folder: Path, *options: str) -> list[str]:
    """The lines of the message. Nothing is loaded."""
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        import_data(folder, *options)
    *lines, last = str(refusal.value).splitlines()
    assert (last, refusal.value.returncode) == ("Nothing was loaded.", 1)
    return lines


@pytest.fixture(scope="module")
def original(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The export of the eventful bank, whose database is gone. Read-only."""
    with django_db_blocker.unblock():
        return exported_eventful_bank(tmp_path_factory.mktemp("eventful"))


@pytest.fixture
def exported(original: Path, archive_file: Path) -> Path:
    """A copy that a test may change, beside a data folder without an archive."""
    folder = archive_file.parent / "exported"
    shutil.copytree(original, folder)
    return folder


def change_row(folder: Path, name: str, number: int, /, **cells: str) -> None:
    """Changes cells of the row with this number, from 1, and the manifest with them."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for column, cell in cells.items():
        rows[number - 1][header.index(column)] = cell
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    renew_manifest(folder)


def test_everything_comes_out_again_as_it_went_in(
    exported: Path, archive_file: Path, tmp_path: Path
) -> None:
    summary = import_data(exported)
    assert summary == {
        "source": "export", "dry_run": False, "users": 2, "accounts": 5, "batches": 1,
        "transactions": 6, "archived_transactions": 4, "events": 8,
    }  # fmt: skip
    again = contents(export_inside(tmp_path / "again"))
    for name, data in contents(exported).items():
        assert again[name] == data, name
    assert_clean()
    assert archive_file.read_bytes() == (exported / archive_file.name).read_bytes()
    run = ArchiveRun.objects.get()
    assert (run.caller, run.bounds, run.rows) == ("job:import_data", {"imported": True}, 4)
    assert run.finished_at is not None
    assert ArchiveSegment.objects.get().rows == 4


def test_users_are_made_inactive_and_known_ones_are_taken(exported: Path) -> None:
    users = get_user_model().objects
    teller = users.create_user("teller", password="as it was")
    assert import_data(exported)["users"] == 1
    ada = users.get(username="ada, countess")
    assert (ada.is_active, ada.is_staff, ada.has_usable_password()) == (False, False, False)
    teller.refresh_from_db()
    assert teller.is_active
    assert teller.check_password("as it was")
    assert Account.objects.get(owner=ada).name == 'Ada, "the first"'
    # User numbers differ between banks: keys belong to the user of that name.
    keyed = Transaction.objects.get(idempotency_key="key")
    assert (keyed.idempotency_caller, keyed.created_by_id) == (f"user:{teller.pk}", teller.pk)
    assert Batch.objects.get().caller == f"user:{teller.pk}"
    assert set(AccountEvent.objects.filter(event="CLOSED").values_list("actor", flat=True)) == {
        teller.pk
    }


def test_the_bank_goes_on_from_there(exported: Path) -> None:
    """The rows that a worker held complete, and so do the queued ones."""
    import_data(exported)
    work()
    statuses = Counter(Transaction.objects.values_list("status", flat=True))
    assert statuses == {"COMPLETED": 10}
    assert_clean()


def test_a_dry_run_proves_all_and_leaves_nothing(exported: Path, archive_file: Path) -> None:
    with nothing_changes():
        assert import_data(exported, "--dry-run")["transactions"] == 6
    assert not archive_file.exists()
    assert not get_user_model().objects.filter(username="teller").exists()


@pytest.mark.postgresql
def test_the_planner_knows_of_the_rows_before_they_are_joined(exported: Path) -> None:
    """A dry run leaves empty pages behind. A join planned for them compared all rows with all."""
    statements: list[list[str]] = []

    def kept(execute: Any, sql: str, *arguments: Any) -> Any:
        statements.append(sql.split())
        return execute(sql, *arguments)

    with connection.execute_wrapper(kept):
        import_data(exported)
    loaded = {words[2]: after[:2] for words, after in pairwise(statements) if words[0] == "INSERT"}
    for table in ("accounts_account", "transactions_transaction", "accounts_accountevent"):
        assert loaded[table] == ["ANALYZE", table]


def test_only_an_empty_bank_takes_it(exported: Path) -> None:
    make_account()
    assert refused(exported) == ["This bank is not empty. Import into a bank without accounts."]


def test_another_archive_is_never_written_over(exported: Path, archive_file: Path) -> None:
    archive_file.write_bytes((exported / archive_file.name).read_bytes() + b"other lines\r\n")
    before = archive_file.read_bytes()
    assert refused(exported) == [f"{archive_file} is another bank's archive; move it away first."]
    assert archive_file.read_bytes() == before


def test_of_an_archive_that_grew_only_the_exported_part_is_taken(
    exported: Path, archive_file: Path
) -> None:
    path = exported / archive_file.name
    before = path.read_bytes()
    path.write_bytes(before + b"a line that was being appended")
    import_data(exported)
    assert archive_file.read_bytes() == before


def test_in_the_banks_own_folder_the_archive_stays_where_it_is(
    exported: Path, settings: Any
) -> None:
    settings.DATA_DIR = exported
    path = exported / "archived_transactions.csv"
    before = path.stat()
    change_row(exported, "accounts.csv", CUSTOMER, last_sequence="9")
    refused(exported)
    change_row(exported, "accounts.csv", CUSTOMER, last_sequence="3")
    import_data(exported)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_archive_that_was_not_begun_has_no_file(tmp_path: Path, archive_file: Path) -> None:
    folder = export_of(lambda: make_account(balance=5), tmp_path / "exported")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for entry in manifest["files"]:
        if entry["name"] == archive_file.name:
            (folder / entry["name"]).unlink()
            entry |= {"bytes": 0, "sha256": sha256().hexdigest()}
    path.write_text(json.dumps(manifest))
    assert import_data(folder)["transactions"] == 1
    assert not archive_file.exists()


def test_a_failed_import_leaves_no_archive(exported: Path, archive_file: Path) -> None:
    """The ledger is wrong in a way that shows only once everything is loaded."""
    change_row(exported, "accounts.csv", CUSTOMER, last_sequence="9")
    lines = refused(exported)
    assert lines[0] == "The ledger of these files does not hold."
    assert lines[1].startswith("M2.last_sequence: ")
    assert not archive_file.exists()


def test_an_archive_that_is_counted_on_stays_whatever_comes_after(
    exported: Path, archive_file: Path
) -> None:
    failpoints.arm("import.committed=raise")
    try:
        with pytest.raises(failpoints.FailpointReached):
            import_data(exported)
    finally:
        failpoints.arm("")
    assert ArchiveRun.objects.get().rows == 4
    assert archive_file.read_bytes() == (exported / archive_file.name).read_bytes()


@pytest.mark.parametrize("stands_there", ["nowhere", "elsewhere"])
def test_a_link_in_the_place_of_the_archive_is_left_alone(
    stands_there: str, exported: Path, archive_file: Path
) -> None:
    """A link to a missing file, or to a copy of the file's header."""
    target = exported.parent / stands_there
    if stands_there == "elsewhere":
        target.write_bytes(ARCHIVED_TRANSACTIONS.header)
    archive_file.symlink_to(target)
    assert refused(exported)[0].endswith("is a symbolic link, which is not followed.")
    assert archive_file.is_symlink()


def test_a_wrong_time_zone_is_told(exported: Path) -> None:
    for name in ("Nowhere/X", "Europe", "../../etc/passwd"):
        with pytest.raises(CommandError, match=f"'{name}' is no time zone"):
            import_data(exported, "--time-zone", name)


@pytest.mark.parametrize(
    ("name", "column", "cell", "reason"),
    [
        ("accounts.csv", "id", "x", "Must be a valid UUID"),
        ("accounts.csv", "name", "n" * 201, "It has more than 200 characters."),
        ("accounts.csv", "kind", "OTHER", "'OTHER' is not known here."),
        ("accounts.csv", "currency", "XXX", "'XXX' is not known here."),
        ("accounts.csv", "balance", "1e3", "An amount is a plain decimal with at most 4 decimals."),
        ("accounts.csv", "overdraft_limit", "", "The cell must not be empty."),
        ("accounts.csv", "debits_blocked", "yes", "The value must be true or false."),
        ("accounts.csv", "last_sequence", "01", "A whole number is written as digits"),
        ("accounts.csv", "metadata", '{"b":1}', "A JSON object is required"),
        ("transactions.csv", "id", UNKNOWN_ID.upper().replace("7", "A"), "An id is written in"),
        ("transactions.csv", "type", "GIFT", "'GIFT' is not known here."),
        ("transactions.csv", "amount", "1.005", "USD has at most 2 decimals."),
        ("transactions.csv", "amount", "5", "This amount is written as 5.00."),
        ("transactions.csv", "amount", "0.00", "An amount is above zero."),
        ("transactions.csv", "amount", "-5.00", "An amount is above zero."),
        ("transactions.csv", "credit_account_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("transactions.csv", "reverses_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("transactions.csv", "reverses_id", "", "A REVERSAL, and no other"),
        ("transactions.csv", "created_at", "2026-01-01", "A time is written as"),
        ("transactions.csv", "created_at", "2026-02-30T00:00:00.000000Z", "day is out of range"),
        ("transactions.csv", "failure_code", "rejected", "A FAILED transaction, and no other"),
        ("transactions.csv", "completed_at", "", "A COMPLETED transaction, and no other"),
        ("archived_transactions.csv", "status", "", "'' is not known here."),
        ("archived_transactions.csv", "batch_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("batches.csv", "atomic", "1", "The value must be true or false."),
        ("account_events.csv", "account_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("account_events.csv", "address", "2001:DB8::7", "An IP address is written in"),
        ("transaction_events.csv", "from_status", "LOST", "'LOST' is not known here."),
    ],
)
def test_a_bad_cell_is_named(
    exported: Path, name: str, column: str, cell: str, reason: str
) -> None:
    change_row(exported, name, 1, **{column: cell})
    first, *problems = refused(exported)
    assert first == REFUSED
    assert problems[0].startswith(f"  {name}, line 2, column {column}: {reason}"), problems


def append(text: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data + text


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, ", line 1: It begins with a byte order mark"),
        (lambda data: data.replace(b"status", b"state", 1), ", line 1: The header is not id,"),
        (lambda _: b"", ": The file is empty; a header is required."),
        (lambda data: data[:-1], ", line 7: The last line has no end: the file was cut off."),
        (lambda data: data[:-30], ", line 7: The last line has no end: the file was cut off."),
        (lambda data: data.replace(b"USD", b"\xff", 1), ", line 2: Not UTF-8: invalid start"),
        (lambda data: data.replace(b"USD", b'"USD', 1), ", line 2: Not CSV by RFC 4180:"),
        (lambda data: data.replace(b"USD", b"USD,", 1), ", line 2: 32 cells, where the header"),
        (lambda data: data.replace(b"USD,", b"", 1), ", line 2: 30 cells, where the header"),
        (append(b"\r\n"), ", line 8: 0 cells, where the header has 31."),
        (
            lambda data: data + data.splitlines(keepends=True)[-1],
            ", line 8, column id: It stands in transactions.csv, line 7, already.",
        ),
        (
            lambda data: data.replace(b"USD", b'"USD"', 1),
            ": This bank would export these rows differently.",
        ),
        (
            lambda data: data[: data[:-2].rindex(b"\r\n") + 2],
            ": 5 rows, and 6 by manifest.json.",
        ),
    ],
)
def test_a_damaged_file_is_told(
    exported: Path, damage: Callable[[bytes], bytes], problem: str
) -> None:
    path = exported / "transactions.csv"
    path.write_bytes(damage(path.read_bytes()))
    renew_manifest(exported)
    problems = refused(exported)[1:]
    assert problems[0].startswith(f"  transactions.csv{problem}"), problems


def test_a_file_that_is_not_the_manifests_is_told_and_looked_into(exported: Path) -> None:
    path = exported / "accounts.csv"
    path.write_bytes(path.read_bytes().replace(b"USD", b"UXD", 1))
    problems = refused(exported)[1:]
    assert problems[0] == "  accounts.csv, line 2, column currency: 'UXD' is not known here."
    digest = "Its SHA-256 is not that of manifest.json: the file was changed since."
    assert problems[-1] == f"  accounts.csv: {digest}"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_text("{}"), "manifest.json is not a manifest of an export."),
        (
            lambda path: path.write_text("[" * 200_000),
            "manifest.json is not a manifest of an export.",
        ),
        (
            lambda path: path.write_text(path.read_text().replace('"rows": 5', '"rows": "5"')),
            "manifest.json is not a manifest of an export.",
        ),
        (
            lambda path: path.write_text(path.read_text().replace('version": 1', 'version": 9')),
            "Only files of format version 1 are read here.",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("batches.csv", "other.csv")),
            "manifest.json does not have batches.csv: export all tables.",
        ),
    ],
)  # fmt: skip
def test_a_bad_manifest_is_told(
    exported: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(exported / "manifest.json")
    assert refused(exported) == [message]


@pytest.mark.parametrize("name", ["manifest.json", "accounts.csv"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert refused(tmp_path) == [f"{tmp_path / name} is no regular file, and is not read."]


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == [f"There is no folder {tmp_path / 'none'}."]
    assert refused(tmp_path)[0].startswith(f"{tmp_path} has neither a manifest.json")


def test_of_many_problems_the_first_are_listed(exported: Path, original: Path) -> None:
    path = exported / "account_events.csv"
    header, first, *_ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + first + 30 * first.replace(b"OPENED", b"SOLD"))
    renew_manifest(exported)
    problems = refused(exported)[1:]
    assert problems[0] == "  account_events.csv, line 3, column event: 'SOLD' is not known here."
    assert problems[20:] == ["  and 10 more"]


def test_a_random_ledger_comes_out_again(tmp_path: Path) -> None:
    folder = export_of(
        lambda: write_random_ledger(7, accounts=40, transactions=3_000), tmp_path / "large"
    )
    assert import_data(folder)["transactions"] == 3_000
    assert contents(export_inside(tmp_path / "again")) == contents(folder)
    assert_clean()


def test_the_samples_of_the_documentation_can_be_loaded(archive_file: Path) -> None:
    samples = settings.BASE_DIR / "data" / "samples"
    summary = import_data(samples)
    assert summary["transactions"] + summary["archived_transactions"] > 0
    assert_clean()
