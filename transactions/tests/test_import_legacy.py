"""The files of the earlier system become the same balances and the same history."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, AccountEvent
from core.identifiers import moment_of
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Transaction
from transactions.tests.legacy_files import ADA, BOB, HISTORY, Row, write_legacy
from transactions.verifier import examine

pytestmark = pytest.mark.django_db

REFUSED = "The files of the earlier system leave something unexplained"


def run(folder: Path, *options: str) -> tuple[dict[str, object], list[str]]:
    """The summary, and what was adjusted."""
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


def test_what_it_had_archived_is_history_too(tmp_path: Path) -> None:
    run(write_legacy(tmp_path, history=HISTORY[3:], archived=HISTORY[:3]))
    assert len(journal()) == 6
    assert by_legacy_id()["1"].balance == Decimal("64.75")


def test_times_without_an_offset_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    run(write_legacy(tmp_path), "--time-zone", "Europe/Berlin")
    ada = by_legacy_id()["1"]
    assert ada.created_at.isoformat() == "2024-01-05T08:00:00+00:00"


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
