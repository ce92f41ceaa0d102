from decimal import Decimal

import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import CASH, internal_account_id
from accounts.states import FreezeScope
from core.errors import AccountClosed, AccountFrozen, InsufficientFunds, InvalidInput, NotFound
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Withdraw
from transactions.models import Transaction
from transactions.tests.refusals import kept_as_failed

pytestmark = pytest.mark.django_db


def withdraw(account, amount: str | int) -> Withdraw:
    return Withdraw(account_id=account.id, amount=Decimal(amount), description="rent")


def test_a_withdrawal_debits_the_account_and_credits_cash() -> None:
    account = make_account(balance="20.50")
    result = run(withdraw(account, "7.25"))
    row = Transaction.objects.get(pk=result.id)
    assert (row.type, row.status, row.description) == ("WITHDRAW", "COMPLETED", "rent")
    assert row.debit_account_id == account.id
    assert row.credit_account_id == internal_account_id(CASH, "USD")
    assert (row.amount, row.currency) == (Decimal("7.25"), "USD")
    assert (row.debit_sequence, row.debit_balance_after) == (2, Decimal("13.25"))
    assert (row.credit_sequence, row.credit_balance_after) == (None, None)
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (Decimal("13.25"), 2)


@pytest.mark.parametrize(
    ("currency", "least"), [("JPY", "1"), ("USD", "0.01"), ("BHD", "0.001"), ("CLF", "0.0001")]
)
def test_the_balance_can_be_taken_whole_and_no_unit_more(currency: str, least: str) -> None:
    account = make_account(balance=3, currency=currency)
    row = kept_as_failed(withdraw(account, 3 + Decimal(least)), InsufficientFunds)
    digits = Decimal(least)
    available = Decimal(3).quantize(digits) if currency != "JPY" else Decimal(3)
    assert row.failure_detail == (
        f"{available} {currency} available, {3 + digits} {currency} needed."
    )
    run(withdraw(account, 3))
    account.refresh_from_db()
    assert account.balance == 0


def test_the_overdraft_can_be_used_whole_and_no_cent_more() -> None:
    account = make_account(balance=30, overdraft_limit=Decimal("12.34"))
    row = kept_as_failed(withdraw(account, "42.35"), InsufficientFunds)
    assert row.failure_detail == "42.34 USD available, 42.35 USD needed."
    assert run(withdraw(account, "42.34")).debit_balance_after == -123_400
    kept_as_failed(withdraw(account, "0.01"), InsufficientFunds)


def test_a_closed_account_gives_nothing() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    row = kept_as_failed(withdraw(account, 5), AccountClosed)
    assert row.failure_detail == f"Account {account.id} is closed."


@pytest.mark.parametrize("scope", [FreezeScope.DEBITS, FreezeScope.ALL])
def test_blocked_debits_give_nothing(scope: FreezeScope) -> None:
    account = make_account(balance=7)
    run(FreezeAccount(account_id=account.id, scope=scope))
    row = kept_as_failed(withdraw(account, 5), AccountFrozen)
    assert row.failure_detail == f"Account {account.id} is frozen for debits."


def test_blocked_credits_let_a_withdrawal_out() -> None:
    account = make_account(balance=7)
    run(FreezeAccount(account_id=account.id, scope=FreezeScope.CREDITS))
    assert run(withdraw(account, 5)).debit_balance_after == 20_000


def test_closed_comes_before_frozen_and_frozen_before_the_funds() -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id))
    kept_as_failed(withdraw(account, 5), AccountFrozen)
    run(CloseAccount(account_id=account.id, reason="done"))
    kept_as_failed(withdraw(account, 5), AccountClosed)


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "100000000000.01"])
def test_a_bad_amount_leaves_nothing_behind(amount: str) -> None:
    account = make_account(balance=7)
    with nothing_changes(), pytest.raises(InvalidInput):
        run(withdraw(account, amount))


def test_an_unknown_account_leaves_nothing_behind() -> None:
    missing = uuid7(make_account(balance=7).created_at)
    with nothing_changes(), pytest.raises(NotFound):
        run(Withdraw(account_id=missing, amount=Decimal(5)))
