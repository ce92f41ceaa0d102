"""`manage.py post_batch`: a file of movements is posted once, whatever happens."""

import json
import os
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Account
from core.files import exclusive
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.management.commands import post_batch
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "type,account_id,target_account_id,amount,description,idempotency_key\n"


def run(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and summary."""
    stdout, code = StringIO(), 0
    try:
        call_command("post_batch", str(path), *options, stdout=stdout)
    except CommandError as error:
        if not stdout.getvalue():
            raise
        code = error.returncode
    return code, json.loads(stdout.getvalue())


def refused(path: Path, *options: str) -> tuple[int, str]:
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        run(path, *options)
    return refusal.value.returncode, str(refusal.value)


def results(path: Path) -> list[dict[str, Any]]:
    lines = path.with_name(f"{path.name}.results").read_text().splitlines()
    return [json.loads(line) for line in lines[1:]]


def balance(account: Account) -> Decimal | None:
    return Account.objects.get(pk=account.pk).balance


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_batch, "_PIECE", 3)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_is_posted_in_pieces_and_once(tmp_path: Path, suffix: str) -> None:
    ada, bob = make_account(balance=5), make_account()
    path = tmp_path / f"payroll{suffix}"
    rows: list[dict[str, str]] = [
        {"type": "WITHDRAW", "account_id": str(ada.id), "amount": "7"},
        {"type": "DEPOSIT", "account_id": str(ada.id), "amount": "10", "description": 'a, "b"'},
        *[
            {
                "type": "TRANSFER",
                "account_id": str(ada.id),
                "target_account_id": str(bob.id),
                "amount": f"{n}.50",
                "idempotency_key": f"own-{n}",
            }
            for n in range(1, 5)
        ],
        {"type": "DEPOSIT", "account_id": str(bob.id), "amount": "1"},
    ]
    if suffix == ".csv":
        cells = [
            [row.get(name, "").replace('"', '""') for name in HEADER.strip().split(",")]
            for row in rows
        ]
        lines = [",".join(f'"{cell}"' for cell in line) for line in cells]
        path.write_text(HEADER + "\n".join(lines))
        first = 2
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows))
        first = 1
    make_user("tessa", role="teller")
    expected = {
        "file": str(path),
        "transactions": 7,
        "completed": 6,
        "failed": 1,
        "pending": 0,
        "replayed": 0,
        "results": f"{path}.results",
    }
    assert run(path, "--actor", "tessa") == (1, expected)
    told = results(path)
    assert [each["line"] for each in told] == list(range(first, first + 7))
    assert [each["balance_after"] for each in told] == [
        *(None, "15.00", "13.50", "11.00", "7.50", "3.00", "13.00")
    ]
    assert told[0]["failure"]["code"] == "insufficient_funds"
    stored = {str(row.pk): row for row in Transaction.objects.select_related("created_by")}
    assert {stored[each["transaction_id"]].created_by.username for each in told} == {"tessa"}
    assert stored[told[1]["transaction_id"]].description == 'a, "b"'
    with nothing_changes():
        assert run(path) == (1, expected)
        path.with_name(f"{path.name}.results").unlink()
        assert run(path) == (1, expected | {"replayed": 7})
    assert [each["transaction_id"] for each in results(path)] == [
        each["transaction_id"] for each in told
    ]


@pytest.mark.usefixtures("small_pieces")
def test_an_atomic_file_is_one_piece_or_nothing(tmp_path: Path) -> None:
    ada = make_account(balance=5)
    path = tmp_path / "all.csv"
    line = f"DEPOSIT,{ada.id},,1.00,,\n"
    path.write_text(HEADER + line * 4 + f"WITHDRAW,{ada.id},,100.00,,\n")
    with pytest.raises(CommandError, match="transaction 5 of its piece") as refusal:
        run(path, "--atomic")
    assert refusal.value.returncode == 1
    assert balance(ada) == 5
    assert Transaction.objects.filter(status="FAILED").count() == 1
    path.write_text(HEADER + line * 4)
    path.with_name("all.csv.results").unlink()
    assert run(path, "--atomic")[1]["completed"] == 4
    assert balance(ada) == 9


@pytest.mark.usefixtures("small_pieces")
def test_a_dry_run_posts_nothing(tmp_path: Path) -> None:
    ada = make_account(balance=5)
    path = tmp_path / "try.csv"
    path.write_text(HEADER + f"DEPOSIT,{ada.id},,1.00,,\n" * 4 + f"WITHDRAW,{ada.id},,9.00,,\n")
    with nothing_changes():
        code, summary = run(path, "--dry-run")
    assert (code, summary) == (
        1,
        {
            "file": str(path),
            "transactions": 5,
            "completed": 4,
            "failed": 1,
            "pending": 0,
            "replayed": 0,
            "dry_run": True,
        },
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Line 1: The header is not type,account_id,"),
        ("kind,account\n", "Line 1: The header is not type,account_id,"),
        ("type,account_id\n", "Line 1: The header has no amount."),
        ("amount," + HEADER.replace("type", "kind"), "no type. There is no column 'kind'. The"),
        ("amount," + HEADER, "Line 1: The header has amount twice."),
        (HEADER, "The file has no transactions."),
        (HEADER + "{good}" * 4 + "DEPOSIT,{id},,1\n", "Line 6: 4 cells, where the header has 6."),
        (HEADER + "{good}" * 4 + "PAY,{id},,1,,\n", "Line 6: type: One of DEPOSIT, WITHDRAW"),
        (HEADER + "{good}" * 4 + "DEPOSIT,{id},,x,,\n", "Line 6: amount: An amount is written"),
        (HEADER + "{good}" * 4 + "DEPOSIT,{id},,0.001,,\n", "Line 6: amount: An amount in USD"),
        (HEADER + "{good}" * 4 + "DEPOSIT,{id},,3.000,,\n", "Line 6: amount: An amount in USD"),
        (HEADER + "{good}\n{good}", "Line 3: The line is blank."),
        (HEADER + "{good}" * 4 + "TRANSFER,{id},{id},1,,\n", "Line 6: target_account_id: An acc"),
        (
            HEADER + "{good}" * 4 + "DEPOSIT,019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27,,1,,\n",
            "Line 6: There is no account 019ab0c4",
        ),
        (HEADER + "DEPOSIT,{id},,1,,k\n" * 2, "Line 3: idempotency_key: An earlier line"),
        (
            HEADER + "DEPOSIT,{id},,1,,k\n" + "{good}" * 4 + "DEPOSIT,{id},,1,,k\n",
            "Line 7: idempotency_key: Line 2 has the same key.",
        ),
        (HEADER + '"DEPOSIT,{id},,1,,', "Line 2: Not CSV by RFC 4180: unexpected end of data."),
        (HEADER + "DEPOSIT,{id},,1,\udcff,", "Line 2: Not UTF-8: "),
    ],
)
def test_nothing_of_a_bad_file_is_posted(tmp_path: Path, text: str, problem: str) -> None:
    ada, path = make_account(balance=5), tmp_path / "bad.csv"
    good = f"DEPOSIT,{ada.id},,1.00,,\n"
    text = text.replace("{good}", good).replace("{id}", str(ada.id))
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    code, message = refused(path)
    assert code == 2
    assert problem in message
    assert list(tmp_path.iterdir()) == [path]


def test_all_bad_lines_are_told_at_once(tmp_path: Path) -> None:
    """Also those that are well formed, and wrong only by what the bank has."""
    ada, path = make_account(balance=5), tmp_path / "bad.CSV"
    earlier = tmp_path / "earlier.csv"
    earlier.write_text(f"{HEADER}DEPOSIT,{ada.id},,1,,taken\n")
    assert run(earlier)[0] == 0
    missing = [f"019ab0c4-6d2e-7a41-8000-3f5e0c9d1b2{digit}" for digit in "12"]
    rows = [
        f"DEPOSIT,{ada.id},,1,,,",
        f"DEPOSIT,{missing[0]},,1,,,",
        f"PAY,{ada.id},,x,,,",
        f"DEPOSIT,{ada.id},,2,,taken,2026-01-31T23:00:00Z",
        f"TRANSFER,{missing[1]},{missing[0]},1,,,",
    ]
    path.write_text("\n".join((HEADER.replace("\n", ",effective_at"), *rows)))
    assert refused(path)[1].splitlines()[1:] == [
        f"Line 3: There is no account {missing[0]}.",
        "Line 4: type: One of DEPOSIT, WITHDRAW, TRANSFER, HOLD, CAPTURE, VOID is required.",
        'Line 4: amount: An amount is written as digits with a decimal point, like "500.00".',
        "Line 5: This key was used for another request. Use a new one.",
        f"Line 6: There is no account {missing[1]} and no account {missing[0]}.",
    ]
    rows = [f"DEPOSIT,{ada.id},,0.001,,", "[],,,,,", f"TRANSFER,{ada.id},{ada.id},1,,"]
    path.write_text(HEADER + "\n".join(rows))
    assert [line.partition(": ")[0] for line in refused(path)[1].splitlines()[1:]] == [
        *("Line 2", "Line 3", "Line 3", "Line 3", "Line 4"),
    ]


def test_a_spreadsheet_s_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    ada, path = make_account(balance=5), tmp_path / "excel.csv"
    path.write_text(f"\ufeff{HEADER}DEPOSIT,{ada.id},,2.00,,\n")
    assert run(path)[1]["completed"] == 1
    assert balance(ada) == 7


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{broken", "Line 2: Not JSON"),
        ('{"type": "DEPOSIT", "type": "DEPOSIT"}', "Line 2: An object has the same name twice."),
        ("[]", "Line 2: An object is required."),
        (" " * 70_000, "Line 2: The line is longer than 65536 bytes."),
    ],
)
def test_json_lines_are_read_as_strictly_as_a_body(tmp_path: Path, text: str, problem: str) -> None:
    ada, path = make_account(balance=5), tmp_path / "bad.jsonl"
    good = json.dumps({"type": "DEPOSIT", "account_id": str(ada.id), "amount": "1"})
    path.write_text(f"{good}\n{text}\n")
    code, message = refused(path)
    assert (code, problem in message) == (2, True), message


def test_a_pipe_or_a_device_is_not_posted(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.csv", tmp_path / "device.jsonl"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        assert refused(path) == (2, f"{path} is no regular file, and is not read.")


def test_each_obstacle_has_its_message(tmp_path: Path) -> None:
    ada = make_account(balance=5)
    path = tmp_path / "some.csv"
    assert refused(path)[1].endswith("some.csv cannot be read: there is no such file or folder.")
    assert refused(tmp_path / "some.txt")[1] == "The file's name must end with .csv or .jsonl."
    path.write_text(HEADER + f"DEPOSIT,{ada.id},,1.00,,\n")
    assert refused(path, "--actor", "nobody") == (2, "There is no active member of staff nobody.")
    with exclusive(tmp_path / "some.csv.results", "busy"):
        assert refused(path) == (2, f"Another process posts {path}.")
    run(path)
    path.write_text(HEADER + f"DEPOSIT,{ada.id},,2.00,,\n")
    assert "has the results of another file: move it away." in refused(path)[1]
