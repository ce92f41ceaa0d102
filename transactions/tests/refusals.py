"""Asserts that a command was refused: the stored row, the response, and unchanged balances."""

from accounts.models import Account
from core.commands import Origin
from core.errors import Refusal
from tests.assertions import stored
from tests.factories import run
from transactions.commands import MoneyCommand
from transactions.models import Transaction

ORIGIN = Origin(caller="user:7")


def kept_as_failed(command: MoneyCommand, refusal: type[Refusal]) -> Transaction:
    """Runs the command, asserts one new FAILED row and unchanged accounts; returns the row."""
    accounts, transactions = stored(Account), Transaction.objects.count()
    result = run(command, ORIGIN)
    assert stored(Account) == accounts
    assert Transaction.objects.count() == transactions + 1
    row = Transaction.objects.get(pk=result.id)
    assert (row.type, row.status, row.failure_code) == (command.type, "FAILED", refusal.code)
    assert row.amount == command.amount
    assert row.debit_sequence is row.credit_sequence is row.completed_at is None
    assert row.debit_balance_after is row.credit_balance_after is None
    error = result.refusal()
    assert type(error) is refusal
    assert (error.detail, error.transaction_id) == (row.failure_detail, row.id)
    return row
