"""Importing the earlier system's files gives the same balances and the same history."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account, AccountEvent
from core.identifiers import moment_of
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Transaction
from transactions.tests.legacy_files import ADA, BOB, HISTORY, Row, write_legacy
from transactions.verifier import examine

pytestmark = pytest.mark.django_db

REFUSED = "The files of the earlier system do not explain all"


def run(folder: Path, *options: str) -> tuple[dict[str, object], list[str]]:
    """The summary, and the adjustments."""
    out, err = StringIO(), StringIO()
    call_command("import_data", str(folder), *options, stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue().splitlines()


def refused(folder: Path, *options: str) -> list[str]:
    """The lines of the message. Nothing is loaded."""
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        run(folder, *options)
    *lines, last = str(refusal.value).splitlines()
    assert last == "Nothing was loaded."
    return lines


def by_legacy_id() -> dict[str, Account]:
    return {one.metadata["legacy_id"]: one for one in Account.objects.filter(kind="CUSTOMER")}


def journal() -> list[tuple[str, ...]]:
    rows = Transaction.objects.order_by("id")
    return [(one.type, one.status, f"{one.amount:.2f}", one.description) for one in rows]


def test_balances_and_history_move_in(tmp_path: Path) -> None:
    summary, remarks = run(write_legacy(tmp_path))
    assert summary == {
        "source": "earlier system", "dry_run": False,
        "accounts": 2, "transactions": 6, "adjustments": 0,
    }  # fmt: skip
    assert remarks == []
    assert journal() == [
        ("DEPOSIT", "COMPLETED", "100.00", "Initial balance"),
        ("DEPOSIT", "COMPLETED", "15.50", "Salary"),
        ("WITHDRAW", "COMPLETED", "20.50", "Cash, please"),
        ("TRANSFER", "COMPLETED", "30.25", "Transfer to 2"),
        ("WITHDRAW", "FAILED", "999.00", "Too much"),
        ("DEPOSIT", "FAILED", "5.00", "On its way"),
    ]
    accounts = by_legacy_id()
    ada, bob = accounts["1"], accounts["2"]
    assert (ada.name, ada.balance, ada.last_sequence) == ("Ada Lovelace", Decimal("64.75"), 4)
    assert (bob.name, bob.balance, bob.last_sequence) == ("Bob Noyce", Decimal("30.25"), 1)
    assert ada.created_at.isoformat() == "2024-01-05T09:00:00+00:00"
    assert moment_of(ada.id) == ada.created_at
    failures = Transaction.objects.filter(status="FAILED").order_by("id")
    assert [one.failure_code for one in failures] == ["rejected", "cancelled"]
    events = AccountEvent.objects.order_by("id")
    assert [(one.event, one.caller) for one in events] == [("OPENED", "job:import_data")] * 2


def test_archived_rows_of_the_earlier_system_are_history_too(tmp_path: Path) -> None:
    run(write_legacy(tmp_path, history=HISTORY[3:], archived=HISTORY[:3]))
    assert len(journal()) == 6
    assert by_legacy_id()["1"].balance == Decimal("64.75")


def test_times_without_an_offset_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    run(write_legacy(tmp_path), "--time-zone", "Europe/Berlin")
    ada = by_legacy_id()["1"]
    assert ada.created_at.isoformat() == "2024-01-05T08:00:00+00:00"


def test_in_an_hour_that_comes_twice_the_order_of_the_file_is_kept(tmp_path: Path) -> None:
    """Cairo set its clocks back from 2025-10-31 00:00 to 23:00, so 23:00 to 23:59 came twice."""
    day = "2025-10-30T"
    times = ("22:59:00", "23:10:00", "23:50:00", "23:10:00", "23:30:00")
    amounts = ("1.00", "100.00", "-101.00", "3.00", "-3.00")
    history = [
        (1, "WITHDRAW" if amount[0] == "-" else "DEPOSIT", "COMPLETED", amount, "", day + at)
        for amount, at in zip(amounts, times, strict=True)
    ]
    accounts = [(1, "Ada", 0, "0.00", "2024-01-05T09:00:00", "2026-01-01T00:00:00")]
    write_legacy(tmp_path, accounts=accounts, history=history)
    _, remarks = run(tmp_path, "--time-zone", "Africa/Cairo")
    posted = Transaction.objects.order_by("completed_at").values_list("amount", "completed_at")
    assert [(amount, at.strftime("%H:%M")) for amount, at in posted] == [
        (1, "19:59"),
        (100, "20:10"),
        (101, "20:50"),
        (3, "21:10"),
        (3, "21:30"),
    ]
    assert remarks == [
        f"Note: transactions.csv, line {line}, column timestamp: This time comes twice in"
        f" Africa/Cairo; by the order of rows it is the {which}."
        for line, which in ((3, "first"), (4, "first"), (5, "second"), (6, "second"))
    ]


@pytest.mark.parametrize("name", ["accounts", "transactions"])
def test_a_time_that_never_came_is_told_and_nothing_is_loaded(tmp_path: Path, name: str) -> None:
    """Cairo set its clocks forward from 2025-04-25 00:00 to 01:00."""
    never, then = "2025-04-25T00:30:00", "2025-04-25T01:00:00"
    opened, at = (never, then) if name == "accounts" else (then, never)
    accounts = [(1, "Ada", 0, 5, opened, "2026-01-01T00:00:00")]
    write_legacy(tmp_path, accounts=accounts, history=[(1, "DEPOSIT", "COMPLETED", "5.00", "", at)])
    column = "created_at" if name == "accounts" else "timestamp"
    reason = "There is no such time in Africa/Cairo: clocks were set forward."
    assert refused(tmp_path, "--time-zone", "Africa/Cairo") == [
        "The files cannot be read.",
        f"  {name}.csv, line 2, column {column}: {reason}",
    ]


def test_the_currency_can_be_named(tmp_path: Path) -> None:
    write_legacy(
        tmp_path, accounts=[(7, "Kenji", 500, 500, "2024-01-05", "2024-01-05")], history=[]
    )
    run(tmp_path, "--currency", "JPY")
    assert by_legacy_id()["7"].currency == "JPY"
    assert set(Transaction.objects.values_list("currency", flat=True)) == {"JPY"}


def test_a_dry_run_checks_all_and_loads_nothing(tmp_path: Path) -> None:
    with nothing_changes():
        summary, _ = run(write_legacy(tmp_path), "--dry-run")
    assert (summary["dry_run"], summary["transactions"]) == (True, 6)


def test_only_an_empty_bank_takes_them(tmp_path: Path) -> None:
    make_account(balance=5)
    assert refused(write_legacy(tmp_path)) == [
        "This bank is not empty. Import into a bank without accounts."
    ]


DAY = "2024-01-09T10:00:00"


def side(legacy_id: int, amount: str, at: str = DAY, text: str = "Rent", **other: str) -> Row:
    kind = other.get("kind") or ("TRANSFER_OUT" if amount.startswith("-") else "TRANSFER_IN")
    return (legacy_id, kind, other.get("status", "COMPLETED"), amount, text, at)


def account(legacy_id: int, balance: object, *, initial: object = 0) -> Row:
    return (legacy_id, f"Account {legacy_id}", initial, balance, DAY, DAY)


BALANCE = "accounts.csv, line 2, column account_balance"
AMBIGUOUS = "More than one row may be the other side of this transfer."
# Accounts, history, message; then the balances and descriptions with --adjust.
UNEXPLAINED = {
    "a balance that the history does not come to": (
        [account(1, "80.00", initial=100)],
        [],
        [f"{BALANCE}: The balance is 80.00, but the history adds up to 100.00."],
        {"1": "80.00"},
        ["Adjustment on import: the balance differed."],
    ),
    "a side without the other": (
        [account(1, "70.00", initial=100), account(2, "0")],
        [side(1, "-30.00")],
        ["transactions.csv, line 2, column amount: The other side of this transfer is missing."],
        {"1": "70.00", "2": "0.00"},
        ["Adjustment on import: The other side of this transfer is missing. Rent"],
    ),
    "a side too far away": (
        [account(1, "70.00", initial=100), account(2, "30")],
        [side(1, "-30.00"), side(2, "30.00", at="2024-01-09T10:00:06")],
        ["transactions.csv, line 2, column amount: The other side of this transfer is missing.",
         "transactions.csv, line 3, column amount: The other side of this transfer is missing."],
        {"1": "70.00", "2": "30.00"},
        ["Adjustment on import: The other side of this transfer is missing. Rent"] * 2,
    ),
    "two that could be the other side": (
        [account(1, "60.00", initial=100), account(2, "20"), account(3, "20")],
        [side(1, "-20.00"), side(1, "-20.00"), side(2, "20.00"), side(3, "20.00")],
        [f"transactions.csv, line {line}, column amount: {AMBIGUOUS}" for line in (2, 3, 4, 5)],
        {"1": "60.00", "2": "20.00", "3": "20.00"},
        [f"Adjustment on import: {AMBIGUOUS} Rent"] * 4,
    ),
    "a balance below zero": (
        [account(1, "-5.00", initial=10)],
        [side(1, "-15.00", kind="WITHDRAW")],
        ["accounts.csv, line 2, column account_balance: The balance is below zero.",
         "transactions.csv, line 2, column amount: It takes the balance to -5.00."],
        {"1": "0.00"},
        ["Adjustment on import: the balance would have been below zero."],
    ),
    "a balance that was below zero for a while": (
        [account(1, "5.00", initial=10)],
        [side(1, "-15.00", kind="WITHDRAW"), side(1, "10.00", at="2024-01-10", kind="DEPOSIT")],
        ["transactions.csv, line 2, column amount: It takes the balance to -5.00."],
        {"1": "5.00"},
        ["Adjustment on import: the balance differed.",
         "Adjustment on import: the balance would have been below zero."],
    ),
    "an initial balance below zero": (
        [account(1, "0", initial=-3)],
        [side(1, "3.00", kind="DEPOSIT")],
        ["accounts.csv, line 2, column initial_balance: It takes the balance to -3.00."],
        {"1": "0.00"},
        ["Adjustment on import: the balance differed.",
         "Adjustment on import: the balance would have been below zero."],
    ),
    "digits that the currency does not have": (
        [account(1, "10.129")],
        [side(1, "10.125", kind="DEPOSIT"), side(1, "0.004", kind="DEPOSIT")],
        ["accounts.csv, line 2, column account_balance: USD has at most 2 decimals.",
         "transactions.csv, line 2, column amount: USD has at most 2 decimals.",
         "transactions.csv, line 3, column amount: USD has at most 2 decimals."],
        {"1": "10.12"},
        [],
    ),
    "a row that moves nothing": (
        [account(1, "0")],
        [side(1, "0.00", kind="DEPOSIT")],
        ["transactions.csv, line 2, column amount: It moves nothing."],
        {"1": "0.00"},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNEXPLAINED)
def test_an_unexplained_difference_stops_the_import(tmp_path: Path, case: str) -> None:
    accounts, history, problems, _, _ = UNEXPLAINED[case]
    first, *told = refused(write_legacy(tmp_path, accounts=accounts, history=history))
    assert first.startswith(REFUSED)
    assert sorted(told) == [f"  {problem}" for problem in problems]


@pytest.mark.parametrize("case", UNEXPLAINED)
def test_an_adjustment_books_it_openly(tmp_path: Path, case: str) -> None:
    accounts, history, problems, balances, texts = UNEXPLAINED[case]
    summary, remarks = run(write_legacy(tmp_path, accounts=accounts, history=history), "--adjust")
    assert sorted(remarks) == [f"Note: {problem}" for problem in problems]
    assert summary["adjustments"] == len(texts)
    assert {name: f"{one.balance:.2f}" for name, one in by_legacy_id().items()} == balances
    adjusted = Transaction.objects.filter(description__startswith="Adjustment on import: ")
    assert sorted(adjusted.values_list("description", flat=True)) == texts
    report = examine(connection)
    assert report.ok, "\n".join(report.lines())


@pytest.mark.parametrize(
    ("out", "into"),
    [
        (side(1, "-9.00"), side(2, "9.00")),
        (side(1, "-9.00"), side(2, "9.00", at="2024-01-09T10:00:05")),
        (side(1, "-9.00", at="2024-01-09T10:00:05"), side(2, "9.00")),
        (side(1, "-9.00", text="to 2"), side(2, "9.00", text="from 1")),
    ],
)
def test_two_sides_are_joined(tmp_path: Path, out: Row, into: Row) -> None:
    accounts = [account(1, "1.00", initial=10), account(2, "9")]
    run(write_legacy(tmp_path, accounts=accounts, history=[out, into]))
    assert [row[:3] for row in journal()[1:]] == [("TRANSFER", "COMPLETED", "9.00")]


def test_the_same_transfer_twice_at_once_is_two(tmp_path: Path) -> None:
    """However the sides are paired, the same money moves between the same accounts."""
    accounts = [account(1, "2.00", initial=20), account(2, "18")]
    run(write_legacy(tmp_path, accounts=accounts, history=[side(1, "-9"), side(2, "9")] * 2))
    assert [row[:3] for row in journal()[1:]] == [("TRANSFER", "COMPLETED", "9.00")] * 2


def test_an_equal_time_is_joined_before_a_near_one(tmp_path: Path) -> None:
    accounts = [account(1, "0", initial=9), account(2, "9"), account(3, "0", initial=9),
                account(4, "9")]  # fmt: skip
    near = "2024-01-09T10:00:01"
    sides = [side(1, "-9"), side(2, "9"), side(3, "-9", at=near), side(4, "9", at=near)]
    run(write_legacy(tmp_path, accounts=accounts, history=sides))
    rows = Transaction.objects.filter(type="TRANSFER").order_by("id")
    names = {one.pk: name for name, one in by_legacy_id().items()}
    assert [(names[one.debit_account_id], names[one.credit_account_id]) for one in rows] == [
        ("1", "2"),
        ("3", "4"),
    ]


def test_a_failed_transfer_moves_nothing_also_alone(tmp_path: Path) -> None:
    accounts = [account(1, "1.00", initial=1), account(2, "0")]
    alone = side(1, "-9", status="FAILED")
    history = [alone, side(1, "-8", status="failed"), side(2, "8", status="FAILED")]
    run(write_legacy(tmp_path, accounts=accounts, history=history))
    assert sorted(row[:3] for row in journal()[1:]) == [
        ("TRANSFER", "FAILED", "8.00"),
        ("WITHDRAW", "FAILED", "9.00"),
    ]


def changed(row: Row, column: int, value: object) -> Row:
    cells = list(row)
    cells[column] = value
    return cells


@pytest.mark.parametrize(
    ("file", "column", "value", "problem"),
    [
        ("accounts", 0, " ", "column account_id: It must not be blank."),
        ("accounts", 0, 2, "column account_id: Line 2 already has this id."),
        ("accounts", 1, "x\u200by", "column account_name: The character U+200B"),
        ("accounts", 1, "a\x00b", "column account_name: The character U+0000"),
        ("accounts", 2, "1e3", "column initial_balance: An amount is written as digits"),
        ("accounts", 3, "+1", "column account_balance: An amount is written as digits"),
        ("accounts", 3, "9" * 16, "column account_balance: It is above 100000000000000."),
        ("accounts", 4, "yesterday", "column created_at: A date and time in ISO 8601 is required."),
        ("accounts", 5, "2999-01-01", "column updated_at: A time since 1970 that is not in the"),
        ("transactions", 0, 9, "column account_id: There is no account '9' in accounts.csv."),
        ("transactions", 1, "GIFT", "column txn_type: It is none of DEPOSIT, WITHDRAW,"),
        ("transactions", 2, "LOST", "column txn_status: It is none of COMPLETED, SUCCESS,"),
        ("transactions", 3, "-15.50", "column amount: DEPOSIT is positive."),
        ("transactions", 3, "NaN", "column amount: An amount is written as digits"),
        ("transactions", 3, "100000000000.01", "column amount: It is above 100000000000."),
        ("transactions", 4, "x" * 501, "column description: It has more than 500 characters."),
        ("transactions", 5, "1969-12-31", "column timestamp: A time since 1970"),
    ],
)
def test_a_bad_cell_is_named(
    tmp_path: Path, file: str, column: int, value: object, problem: str
) -> None:
    if file == "accounts":
        # The last row, so that a repeated id is its second occurrence.
        write_legacy(tmp_path, accounts=[BOB, changed(ADA, column, value)], history=[])
        place = "accounts.csv, line 3"
    else:
        write_legacy(tmp_path, history=[changed(HISTORY[0], column, value), *HISTORY[1:]])
        place = "transactions.csv, line 2"
    first, *told = refused(tmp_path, "--adjust")
    assert first == "The files cannot be read."
    assert len(told) == 1
    assert told[0].startswith(f"  {place}, {problem}")


def test_a_blank_name_is_adjusted(tmp_path: Path) -> None:
    write_legacy(tmp_path, accounts=[changed(ADA, 1, " "), BOB])
    assert refused(tmp_path)[1] == "  accounts.csv, line 2, column account_name: The name is blank."
    _, remarks = run(tmp_path, "--adjust")
    assert remarks == ["Note: accounts.csv, line 2, column account_name: The name is blank."]
    assert by_legacy_id()["1"].name == "Account 1"


def test_one_run_reports_unreadable_cells_and_unexplained_differences(tmp_path: Path) -> None:
    """An account with an unreadable row gets no other message."""
    cleo = (3, "Cleo", "5.00", "9.00", "2024-01-05T09:00:00", "2024-02-01T12:00:00")
    history = [*HISTORY, (3, "DEPOSIT", "COMPLETED", "1.000", "Fee", "2024-01-06T10:00:00")]
    history[0] = changed(HISTORY[0], 3, "many")
    write_legacy(tmp_path, accounts=[ADA, BOB, cleo], history=history)
    written = 'An amount is written as digits with a decimal point, like "500.00".'
    comes_to = "The balance is 9.00, but the history adds up to 6.00."
    assert refused(tmp_path) == [
        "The files cannot be read.",
        f"  transactions.csv, line 2, column amount: {written}",
        "  transactions.csv, line 8, column amount: USD has at most 2 decimals.",
        f"  accounts.csv, line 4, column account_balance: {comes_to}",
    ]


def test_what_a_spreadsheet_writes_is_read(tmp_path: Path) -> None:
    """A byte order mark, and blank lines at the end."""
    write_legacy(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n")
    run(tmp_path)
    assert Account.objects.filter(kind="CUSTOMER").count() == 2


def test_another_separator_is_told(tmp_path: Path) -> None:
    write_legacy(tmp_path)
    path = tmp_path / "accounts.csv"
    path.write_bytes(path.read_bytes().replace(b",", b";"))
    told = "accounts.csv, line 1: It has semicolons between the cells; commas are required."
    assert refused(tmp_path)[1:] == [f"  {told}"]


def test_a_header_that_is_not_quite_right_is_told(tmp_path: Path) -> None:
    path = write_legacy(tmp_path) / "accounts.csv"
    path.write_text(path.read_text().replace("account_name", "name", 1))
    problem = "accounts.csv, line 1: The header is not account_id,account_name,initial_balance,"
    assert refused(tmp_path)[1].startswith(f"  {problem}")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (write_legacy(tmp_path) / "transactions.csv").unlink()
    assert refused(tmp_path) == [
        "The files cannot be read.",
        "  transactions.csv: The file is missing.",
    ]
