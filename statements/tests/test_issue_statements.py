"""`issue_statements`: its answers and exit codes."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.money import MAX_AMOUNT, MAX_BALANCE
from statements.models import Statement
from statements.tests.monthly_bank import (
    DECEMBER,
    OCTOBER,
    ORIGIN,
    MonthlyBank,
    at,
    make_monthly_bank,
)
from tests.api import make_user
from tests.factories import make_statement
from transactions.commands import Deposit, Withdraw
from transactions.ledger.processor import process
from transactions.verifier import examine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bank() -> MonthlyBank:
    return make_monthly_bank()


def issue(*words: str) -> Any:
    out = StringIO()
    with at(DECEMBER):
        call_command("issue_statements", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as error:
        issue(*words)
    return error.value.returncode, str(error.value)


def test_it_issues_the_last_ended_month_and_those_before(bank: MonthlyBank) -> None:
    assert issue() == {"period": "2025-11", "dry_run": False, "issued": 8, "failed": []}
    assert issue() == {"period": "2025-11", "dry_run": False, "issued": 0, "failed": []}


def test_a_dry_run_counts_and_issues_nothing(bank: MonthlyBank) -> None:
    months = {"2025-09": 2, "2025-10": 3}
    expected = {"period": "2025-10", "dry_run": True, "issued": 5, "months": months}
    assert issue("--dry-run", "--period=2025-10") == expected
    assert not Statement.objects.exists()
    one = issue("--dry-run", f"--account={bank.cid.number}", "--period=2025-10")
    assert one["months"] == {"2025-10": 1}


def test_one_account_by_number_or_id(bank: MonthlyBank) -> None:
    assert issue("--account", bank.ada.number, "--period", "2025-09")["issued"] == 1
    assert issue("--account", str(bank.ada.id))["issued"] == 2
    assert set(Statement.objects.values_list("account", flat=True)) == {bank.ada.id}


def test_it_is_told_in_words(bank: MonthlyBank) -> None:
    out = StringIO()
    with at(DECEMBER):
        call_command("issue_statements", "--period=2025-10", stdout=out)
    assert out.getvalue() == "Issued 5 statements, up to 2025-10.\n"


def test_one_statement_is_told_in_the_singular(bank: MonthlyBank) -> None:
    for words, told in ((["--dry-run"], "Would issue"), ([], "Issued")):
        out = StringIO()
        with at(DECEMBER):
            call_command(
                "issue_statements", "--period=2025-10", f"--account={bank.cid.number}", *words,
                stdout=out,
            )  # fmt: skip
        assert out.getvalue().splitlines()[0] == f"{told} 1 statement, up to 2025-10."


def test_an_account_that_fails_keeps_no_other_back(bank: MonthlyBank) -> None:
    """Its first statement ends after the month, so the next one would have no period."""
    damaged = make_statement(bank.ada, period="2025-09")
    with pytest.raises(CommandError) as error:
        issue("--period=2025-10")
    assert error.value.returncode == 1
    assert f"No statement could be issued for 1 of the accounts: {bank.ada.number}: " in str(
        error.value
    )
    assert set(bank.ada.statements.all()) == {damaged}
    assert (bank.bob.statements.count(), bank.cid.statements.count()) == (2, 1)
    code, words = refused(f"--account={bank.ada.number}", "--period=2025-10")
    assert (code, bank.ada.number in words) == (1, True)


def test_what_moved_in_a_month_may_be_above_every_balance(bank: MonthlyBank) -> None:
    with at(OCTOBER.replace(day=20)):
        rounds = int(MAX_BALANCE / MAX_AMOUNT) + 1
        moves = [
            command(account_id=bank.cid.id, amount=MAX_AMOUNT)
            for _ in range(rounds)
            for command in (Deposit, Withdraw)
        ]
        for start in range(0, len(moves), 100):
            process(moves[start : start + 100], ORIGIN)
    assert issue("--period=2025-10")["failed"] == []
    stored = bank.cid.statements.get()
    assert stored.total_debits == stored.total_credits == rounds * MAX_AMOUNT > MAX_BALANCE
    assert [one for one in examine(connection).findings if one.invariant == "B1"] == []


def test_what_cannot_be_is_one_sentence(bank: MonthlyBank) -> None:
    assert refused("--period=2025-12") == (1, "The month 2025-12 has not ended.")
    assert refused("--period=2025-12", "--dry-run") == (1, "The month 2025-12 has not ended.")
    assert refused("--period=10/2025") == (2, '"10/2025" is no month, like 2026-10.')
    assert refused("--account=4711") == (2, "There is no account 4711.")
    early = ("--period=2025-09", f"--account={bank.cid.number}")
    assert refused(*early) == (1, "The account was opened later, in 2025-10.")
    assert refused(*early, "--dry-run") == (1, "The account was opened later, in 2025-10.")
    assert not Statement.objects.exists()


def test_the_actor_is_kept_and_needs_the_right(bank: MonthlyBank) -> None:
    susan = make_user("susan", role="supervisor")
    make_user("tessa", role="teller")
    assert refused("--actor=tessa")[0] == 2
    assert issue("--actor=susan", "--period=2025-09")["issued"] == 2
    assert {(one.issued_by, one.caller) for one in Statement.objects.all()} == {
        (susan, "job:issue_statements")
    }
