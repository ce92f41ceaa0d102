"""Edge cases of the verifier's rules: the first entry, one unit beyond a limit, the other sign."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection

from tests.factories import deposit, make_account, run
from transactions.commands import Reverse, Withdraw
from transactions.models import Transaction
from transactions.tests.damaged_ledger import Bank, execute, make_bank, unguarded
from transactions.verifier import examine

pytestmark = pytest.mark.django_db

T, A = "transactions_transaction", "accounts_account"

# Statements, and the expected codes.
EDGES: dict[str, tuple[list[str], set[str]]] = {
    "a reversal is smaller than its original": (
        [f"UPDATE {T} SET amount = 1 WHERE id = {{failed_reversal}}"],
        {"M1.reversal_amount"},
    ),
    "an amount is below zero": (
        [f"UPDATE {T} SET amount = -1 WHERE id = {{pending}}"],
        {"M1.amount_not_positive"},
    ),
    "the first entry has number 2": (
        [
            f"UPDATE {T} SET credit_sequence = 2 WHERE id = {{eve_deposit}}",
            f"UPDATE {A} SET last_sequence = 2 WHERE id = {{eve}}",
        ],
        {"M2.sequence_gap", "M2.last_sequence"},
    ),
    "the first balance is one unit too low": (
        [f"UPDATE {T} SET credit_balance_after = 109999 WHERE id = {{eve_deposit}}"],
        {"M2.balance_does_not_follow", "M2.balance_is_not_the_last"},
    ),
    "a balance in the middle is one unit too low": (
        [f"UPDATE {T} SET debit_balance_after = 699999 WHERE id = {{withdrawal}}"],
        {"M2.balance_does_not_follow"},
    ),
    "a balance is one unit below its entries": (
        [f"UPDATE {A} SET balance = 109999 WHERE id = {{eve}}"],
        {
            "M2.balance_is_not_the_sum",
            "M2.balance_is_not_the_last",
            "M3.currency_does_not_balance",
        },
    ),
    "an entry has a sequence and no balance": (
        [f"UPDATE {T} SET credit_balance_after = NULL WHERE id = {{eve_deposit}}"],
        {"M1.entry_not_numbered"},
    ),
    "an overdraft is one unit too deep": (
        [f"UPDATE {A} SET overdraft_limit = 10, balance = -11 WHERE id = {{cid}}"],
        {"M4.overdrawn", "M2.balance_is_not_the_sum", "M3.currency_does_not_balance"},
    ),
    "an overdraft is used to its end": (
        [f"UPDATE {A} SET overdraft_limit = 10, balance = -10 WHERE id = {{cid}}"],
        {"M2.balance_is_not_the_sum", "M3.currency_does_not_balance"},
    ),
    "a closed account owes": (
        [f"UPDATE {A} SET status = 'CLOSED', overdraft_limit = 1, balance = -1 WHERE id = {{cid}}"],
        {
            "M4.closed_with_balance",
            "M2.balance_is_not_the_sum",
            "M3.currency_does_not_balance",
        },
    ),
}


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = make_bank()
    with unguarded():
        yield bank


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_is_found(bank: Bank, edge: str) -> None:
    statements, codes = EDGES[edge]
    for statement in statements:
        assert execute(bank.sql(statement)) == 1
    found = {finding.code for finding in examine(connection).findings}
    assert found - {"L3.guard_missing"} == codes


def test_a_reversal_after_one_that_failed_is_no_second_one() -> None:
    account = make_account(balance=5)
    original = Transaction.objects.get()
    run(Withdraw(account_id=account.id, amount=Decimal(5)))
    reverse = Reverse(transaction_id=original.id, reason="A mistake")
    assert run(reverse).status == "FAILED"
    deposit(account, 8)
    assert run(reverse).status == "COMPLETED"
    assert examine(connection).findings == []
