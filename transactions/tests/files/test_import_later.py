"""A lost database, and a data folder whose archive has transactions later than the export."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.archive.runs import archive
from transactions.commands import Reverse, Transfer, Withdraw
from transactions.models import ArchiveRun, Transaction
from transactions.tests.archiving import EVERYTHING, ORIGIN, Bank, make_bank
from transactions.tests.queueing import assert_clean
from transactions.verifier.archive_file import verify_archive

# The export reads through a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


def import_data(folder: Path, *options: str) -> tuple[int, dict[str, Any], list[str]]:
    """Exit code, summary, and the lines of standard error."""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("import_data", str(folder), *options, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    text = out.getvalue()
    return code, json.loads(text) if text else {}, err.getvalue().splitlines()


def lose_database() -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert not Transaction.objects.exists()


def balances() -> dict[str, Decimal | None]:
    return {one.name: one.balance for one in Account.objects.filter(kind="CUSTOMER")}


def histories() -> list[tuple[Any, ...]]:
    columns = ("pk", "status", "amount", "debit_sequence", "credit_sequence", "completed_at")
    return list(Transaction.objects.order_by("pk").values_list(*columns))


def exported_bank(folder: Path, *, begun: bool) -> Bank:
    """A bank with an export in its own folder; `begun`: the archive existed before it."""
    bank = make_bank()
    if begun:
        archive(EVERYTHING, origin=ORIGIN)
    call_command("export_data", dir=folder, stdout=StringIO())
    return bank


def go_on(bank: Bank) -> None:
    """Makes five transactions that the export does not have; archives everything."""
    deposit(bank.ada, 50)
    sent = run(
        Transfer(account_id=bank.ada.id, target_account_id=bank.bob.id, amount=Decimal("12.50"))
    )
    run(Withdraw(account_id=bank.bob.id, amount=Decimal(9_999)))
    run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    deposit(bank.jun, 300)
    archive(EVERYTHING, origin=ORIGIN)


@pytest.mark.parametrize("begun", [True, False])
def test_what_the_archive_alone_knows_is_told_and_can_be_taken(
    archive_file: Path, begun: bool
) -> None:
    folder = archive_file.parent
    bank = exported_bank(folder, begun=begun)
    go_on(bank)
    expected, whole = (balances(), histories()), archive_file.read_bytes()
    lose_database()
    for options in ([], ["--dry-run"]):
        with nothing_changes():
            code, summary, told = import_data(folder, *options)
        assert (code, summary) == (4, {})
        assert told[0].startswith("archived_transactions.csv has 5 transactions that came after")
        assert told[-2].endswith("No file of the export has it.")
        assert len(told) == 7
        assert archive_file.read_bytes() == whole
    with nothing_changes():
        code, summary, _ = import_data(folder, "--later", "take", "--dry-run")
    assert (code, summary["taken"], summary["left"]) == (0, 5, 0)
    code, summary, told = import_data(folder, "--later", "take")
    assert (code, summary["taken"], summary["left"], told) == (0, 5, 0, [])
    assert (balances(), histories()) == expected
    assert_clean()
    # The bank and its archive go on: each transaction is there once.
    (kept,) = folder.glob("archived_transactions.csv.cut-*")
    assert whole.endswith(kept.read_bytes())
    deposit(Account.objects.get(name="Ada"), 1)
    archive(EVERYTHING, origin=ORIGIN)
    assert verify_archive().ok
    lines = archive_file.read_text("utf-8").splitlines()
    assert len(lines) == 1 + Transaction.objects.count()


@pytest.mark.parametrize("begun", [True, False])
def test_it_can_be_left_out_and_is_kept_beside_the_archive(archive_file: Path, begun: bool) -> None:
    folder = archive_file.parent
    bank = exported_bank(folder, begun=begun)
    expected = balances(), histories()
    go_on(bank)
    lose_database()
    code, summary, told = import_data(folder, "--later", "leave")
    assert (code, summary["left"], len(told)) == (0, 5, 5)
    assert all(line.startswith("Left out: archived_transactions.csv, line ") for line in told)
    assert (balances(), histories()) == expected
    (kept,) = folder.glob("archived_transactions.csv.cut-*")
    assert kept.read_bytes().count(b"\r\n") == (5 if begun else 11)
    archive(EVERYTHING, origin=ORIGIN)
    assert verify_archive().ok


def test_rows_of_unknown_accounts_are_left_and_reported(archive_file: Path) -> None:
    """An account that the export does not have, and all that depends on it."""
    folder = archive_file.parent
    bank = exported_bank(folder, begun=True)
    new = make_account(name="Newcomer", balance=20)
    run(Transfer(account_id=new.id, target_account_id=bank.bob.id, amount=Decimal(3)))
    deposit(bank.bob, 4)
    deposit(bank.ada, 50)
    archive(EVERYTHING, origin=ORIGIN)
    lose_database()
    code, summary, told = import_data(folder, "--later", "take")
    assert (code, summary["taken"], summary["left"]) == (4, 1, 3)
    reason = "An earlier transaction of one of its accounts is missing."
    assert sum(reason in line for line in told) == 3
    assert told[-1] == "3 transactions of the archive could not be taken. All else is loaded."
    assert balances()["Ada"] == Decimal("117.50")
    assert_clean()


def test_lines_of_what_the_export_has_are_no_loss(archive_file: Path) -> None:
    """Archived since the export, with nothing later: no message."""
    folder = archive_file.parent
    exported_bank(folder, begun=False)
    expected = balances(), histories()
    archive(EVERYTHING, origin=ORIGIN)
    lose_database()
    code, summary, told = import_data(folder)
    assert (code, told) == (0, [])
    assert "left" not in summary
    assert (balances(), histories()) == expected
    assert not ArchiveRun.objects.exists()
    archive(EVERYTHING, origin=ORIGIN)
    assert verify_archive().ok


def test_a_changed_line_is_reported_and_a_cut_one_skipped(archive_file: Path) -> None:
    folder = archive_file.parent
    bank = exported_bank(folder, begun=True)
    before = archive_file.read_bytes()
    go_on(bank)
    lines = archive_file.read_bytes().removeprefix(before).splitlines(keepends=True)
    archive_file.write_bytes(before + lines[0].replace(b"DEPOSIT", b"\xff") + lines[1][:-9])
    lose_database()
    code, _, told = import_data(folder)
    assert (code, len(told)) == (4, 3)
    assert "line 8: " in told[1]
    code, summary, _ = import_data(folder, "--later", "leave")
    assert (code, summary["left"]) == (0, 1)
