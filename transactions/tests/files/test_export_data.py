"""`manage.py export_data`: correct files of one moment, and a manifest that describes them."""

import csv
import hashlib
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import FreezeAccount
from accounts.models import Account, AccountEvent
from core.commands import Origin
from core.files import exclusive
from core.money import to_units
from tests.api import make_user
from tests.factories import ORIGIN, make_account, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Deposit, Reverse, Transfer, Withdraw
from transactions.exports import export as export_module
from transactions.files.file_format import prepare_sqlite
from transactions.files.formats import ACCOUNTS, FILES, TRANSACTIONS, FileFormat
from transactions.files.manifest import Manifest
from transactions.files.stream import blocks_of_lines
from transactions.ledger.processor import process
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

NASTY = (
    '=1+2;" =1+3\n-4\t@5',
    "+1",
    "-1",
    "@SUM",
    'a "b", c',
    "line\nfeed",
    "Zoë 🏦",
    "'",
    '"',
    ",",
    " x ",
    "\\.",
)


@pytest.fixture
def bank() -> Account:
    """Accounts in currencies of each number of digits, and one with every kind of transaction."""
    ada = make_user("ada, the 1st")
    account = make_account(
        balance=500,
        owner_id=ada.id,
        metadata={"zz": "é", "a": 'q"'},
        overdraft_limit=Decimal("20.50"),
    )
    for currency, amount in (("JPY", "1000"), ("BHD", "0.005"), ("CLF", "1.0001")):
        make_account(balance=amount, currency=currency, name=f'="{currency}"')
    other = make_account(balance=10)
    caller = f"user:{ada.id}"
    origin = Origin(user_id=ada.id, caller=caller, address="2001:db8::1", as_customer=True)
    commands = [
        Deposit(
            account_id=account.id,
            amount=Decimal("1.01"),
            description=text,
            idempotency_key=f"k{index}",
            request_fingerprint="0" * 64,
        )
        for index, text in enumerate(NASTY)
    ]
    process(commands, origin)
    run(Withdraw(account_id=account.id, amount=Decimal(9000)), origin)
    sent = run(
        Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal("512.12")),
        origin,
    )
    run(Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal("7.77")))
    run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    run(FreezeAccount(account_id=account.id, reason='-"why"'), origin)
    return account


def export(folder: Path, *options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("export_data", "--dir", str(folder), *options, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def read(folder: Path, file_format: FileFormat, name: str = "") -> list[dict[str, Any]]:
    text = (folder / (name or file_format.file_name)).read_bytes().decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == [column.name for column in file_format.columns]
    return [file_format.parse(line) for line in lines]


def test_the_files_have_what_the_bank_has(bank: Account, tmp_path: Path) -> None:
    export(tmp_path)
    rows = read(tmp_path, TRANSACTIONS)
    stored = list(Transaction.objects.order_by("id").select_related("created_by"))
    assert [row["id"] for row in rows] == [each.id for each in stored]
    for row, each in zip(rows, stored, strict=True):
        for name, value in row.items():
            if name in ("created_by", "approved_by"):
                user = getattr(each, name)
                assert value == (user.username if user else None)
            elif name == "idempotency_caller":
                assert value == ("user:ada, the 1st" if each.idempotency_caller else None)
            else:
                expected = getattr(each, name)
                is_amount = isinstance(expected, Decimal)
                assert value == (to_units(expected) if is_amount else expected), name
    assert sorted(row["description"] for row in rows if row["idempotency_key"]) == sorted(NASTY)
    (shown,) = [row for row in read(tmp_path, ACCOUNTS) if row["id"] == bank.id]
    bank.refresh_from_db()
    assert (shown["owner"], shown["metadata"]) == ("ada, the 1st", bank.metadata)
    assert (shown["opening_balance"], shown["balance"]) == (0, to_units(bank.balance))
    assert len(read(tmp_path, FILES[4])) == AccountEvent.objects.count()


def test_amounts_have_the_digits_of_their_currency(bank: Account, tmp_path: Path) -> None:
    export(tmp_path)
    text = (tmp_path / "accounts.csv").read_text()
    for digits in (",JPY,0,1000,0,", ",BHD,0.000,0.005,0.000,", ",CLF,0.0000,1.0001,0.0000,"):
        assert digits in text
    assert f",USD,0.00,{Account.objects.get(pk=bank.pk).balance:.2f},20.50," in text
    # The transfer of 7.77 went into the overdraft.
    assert ",7.77,USD," in (tmp_path / "transactions.csv").read_text()
    assert ",-7.77," in (tmp_path / "transactions.csv").read_text()


def test_the_manifest_describes_each_file(bank: Account, tmp_path: Path) -> None:
    summary = export(tmp_path)
    manifest = Manifest.decode((tmp_path / "manifest.json").read_bytes())
    assert summary == {"folder": str(tmp_path), **manifest.as_json()}
    assert [entry.name for entry in manifest.files] == [each.file_name for each in FILES]
    for entry, file_format in zip(manifest.files, FILES, strict=True):
        data = (tmp_path / entry.name).read_bytes()
        assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry.rows == len(read(tmp_path, file_format))
    sums = manifest.files[2].sums
    rows = read(tmp_path, TRANSACTIONS)
    assert sorted(sums) == ["BHD", "CLF", "JPY", "USD"]
    for currency, total in sums.items():
        units = sum(row["amount"] for row in rows if row["currency"] == currency)
        assert to_units(Decimal(total)) == units
    assert sums["JPY"] == "1000"


def test_two_exports_of_one_state_are_the_same_bytes(bank: Account, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        export(tmp_path / name)
    for file_format in FILES:
        one, two = (tmp_path / name / file_format.file_name for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_sql_makes_the_lines_that_are_exported(bank: Account) -> None:
    """On PostgreSQL exports use COPY, and the archive uses `line`."""
    prepare_sqlite(connection)
    for file_format in FILES:
        for spreadsheet in (False, True):
            with connection.cursor() as cursor:
                cursor.execute(
                    file_format.select_lines(connection.vendor, for_spreadsheet=spreadsheet)
                )
                lines = b"".join(line.encode() + b"\r\n" for (line,) in cursor.fetchall())
            blocks = blocks_of_lines(connection, file_format, for_spreadsheet=spreadsheet)
            assert b"".join(block for _, block in blocks) == lines


def test_spreadsheets_run_no_formula(bank: Account, tmp_path: Path) -> None:
    export(tmp_path, "--spreadsheet")
    text = (tmp_path / "transactions.spreadsheet.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfid,type,")
    for cell in csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")):
        for value in cell:
            is_number = value.lstrip("-").replace(".", "").isdigit() and value != "-1"
            assert not value.startswith(("=", "+", "-", "@")) or is_number
    assert ",-" in (tmp_path / "transactions.spreadsheet.csv").read_text()  # A balance below zero.
    assert "'=1+2" in text.decode()
    # With another separator too.
    assert """'=1+2;"" '=1+3\n'-4\t'@5""" in text.decode()
    assert "'=1+2" not in (tmp_path / "transactions.csv").read_text()


def test_only_some_tables(bank: Account, tmp_path: Path) -> None:
    summary = export(tmp_path, "--tables", "accounts", "batches")
    assert [entry["name"] for entry in summary["files"]] == ["accounts.csv", "batches.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".export.lock",
        "accounts.csv",
        "batches.csv",
        "manifest.json",
    ]


def test_any_export_removes_the_remains_of_a_killed_one(tmp_path: Path, settings: Any) -> None:
    """Even of tables and copies that this export does not write, except the archive's own."""
    settings.DATA_DIR = tmp_path
    left = ("manifest.json", "batches.csv", "accounts.spreadsheet.csv", "archived_transactions.csv")
    for name in left:
        (tmp_path / f".{name}.a1b2c3d4.unfinished").touch()
    export(tmp_path, "--tables", "accounts")
    assert [path.name for path in tmp_path.glob(".*.unfinished")] == [
        ".archived_transactions.csv.a1b2c3d4.unfinished"
    ]


def test_an_archive_that_was_edited_is_not_vouched_for(tmp_path: Path, settings: Any) -> None:
    """A digest in the manifest would vouch for it."""
    settings.DATA_DIR = tmp_path
    account = make_account()
    for amount in (100, 200):
        run(Deposit(account_id=account.id, amount=Decimal(amount)))
        archive(Selection(keep_last=0), origin=ORIGIN)
    live = tmp_path / "archived_transactions.csv"
    whole = live.read_bytes()
    assert export(tmp_path)["files"][-1]["sha256"] == hashlib.sha256(whole).hexdigest()
    manifest = (tmp_path / "manifest.json").read_bytes()
    for damaged in (whole.replace(b"100.00", b"900.00"), b"x" + whole[1:], whole[:-1], b"", None):
        live.unlink() if damaged is None else live.write_bytes(damaged)
        with pytest.raises(
            CommandError, match=r"archived_transactions\.csv .* Nothing was exported"
        ):
            export(tmp_path)
        assert (tmp_path / "manifest.json").read_bytes() == manifest


def test_the_live_archive_is_never_written(bank: Account, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    live = tmp_path / "archived_transactions.csv"
    live.write_bytes(b"the archive")
    summary = export(tmp_path)
    assert live.read_bytes() == b"the archive"
    assert summary["files"][-1] == {
        "name": live.name,
        "rows": 0,
        "bytes": 0,
        "sha256": hashlib.sha256().hexdigest(),
        "sums": {},
    }
    with pytest.raises(CommandError, match="never written over"):
        export(tmp_path, "--tables", "archived_transactions")


def test_faults_are_told_and_leave_the_last_export(bank: Account, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist") as missing:
        export(tmp_path / "none")
    assert missing.value.returncode == 1
    export(tmp_path)
    before = (tmp_path / "manifest.json").read_bytes()
    with (
        exclusive(tmp_path / export_module.LOCK_NAME, ""),
        pytest.raises(CommandError, match=r"Another export into .* is going on") as busy,
    ):
        export(tmp_path)
    assert busy.value.returncode == 3
    (tmp_path / "accounts.csv").rename(tmp_path / "elsewhere")
    (tmp_path / "accounts.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="is a symbolic link"):
        export(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert not list(tmp_path.glob(".*.unfinished"))


def test_statements_do_not_grow_with_rows(bank: Account, tmp_path: Path) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            export(tmp_path)
        return len(captured)

    before = statements()
    process([Deposit(account_id=bank.id, amount=Decimal(1 + n)) for n in range(50)], ORIGIN)
    assert statements() == before


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's planner.")
def test_rows_are_read_along_the_index(bank: Account) -> None:
    """Sorting rendered rows would spill to disk; SQLite reads its index in any case."""
    from transactions.files.stream import _PLAN_OF_COPY

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for statement in _PLAN_OF_COPY:
            cursor.execute(statement)
        cursor.execute(f"EXPLAIN {TRANSACTIONS.select_cells()}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("ROLLBACK")
    assert "transactions_transaction_pkey" in plan
    assert "Sort" not in plan
