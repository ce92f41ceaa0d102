from decimal import Decimal

import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import CASH, internal_account_id
from accounts.states import FreezeScope
from core.errors import (
    AccountClosed,
    AccountFrozen,
    BalanceLimit,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidInput,
    NotFound,
    SameAccount,
)
from core.identifiers import uuid7
from core.money import MAX_BALANCE
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Transfer
from transactions.models import Transaction
from transactions.tests.past_the_ledger import holding
from transactions.tests.refusals import kept_as_failed

pytestmark = pytest.mark.django_db


def transfer(source, target, amount: str | int) -> Transfer:
    return Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(amount))


def close(account) -> None:
    run(CloseAccount(account_id=account.id, reason="done"))


def freeze(account, scope: FreezeScope) -> None:
    run(FreezeAccount(account_id=account.id, scope=scope))


@pytest.mark.parametrize("downwards", [False, True])
def test_a_transfer_debits_one_account_and_credits_another(downwards: bool) -> None:
    """Whichever of the two accounts is locked first."""
    source, target = sorted([make_account(), make_account()], key=lambda account: account.id)
    if downwards:
        source, target = target, source
    source, target = holding(Decimal("20.50"), source), holding(Decimal("3.10"), target)
    result = run(transfer(source, target, "7.25"))
    row = Transaction.objects.get(pk=result.id)
    assert (row.type, row.status) == ("TRANSFER", "COMPLETED")
    assert (row.debit_account_id, row.credit_account_id) == (source.id, target.id)
    assert (row.amount, row.currency) == (Decimal("7.25"), "USD")
    assert (row.debit_sequence, row.debit_balance_after) == (2, Decimal("13.25"))
    assert (row.credit_sequence, row.credit_balance_after) == (2, Decimal("10.35"))
    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.balance, source.last_sequence) == (Decimal("13.25"), 2)
    assert (target.balance, target.last_sequence) == (Decimal("10.35"), 2)
    assert source.last_posted_at == target.last_posted_at == row.completed_at


def test_the_overdraft_counts_as_funds() -> None:
    source = make_account(balance=5, overdraft_limit=Decimal(10))
    target = make_account()
    row = kept_as_failed(transfer(source, target, "15.01"), InsufficientFunds)
    assert row.failure_detail == "15.00 USD available, 15.01 USD needed."
    assert run(transfer(source, target, 15)).debit_balance_after == -100_000


# Input that leaves nothing behind, in the documented order. ---------------------------------------


def test_an_unknown_account_comes_first() -> None:
    source = make_account(balance=7)
    missing = uuid7(source.created_at)
    for ids in ((source.id, missing), (missing, source.id), (missing, missing)):
        command = Transfer(account_id=ids[0], target_account_id=ids[1], amount=Decimal(5))
        with nothing_changes(), pytest.raises(NotFound, match=str(missing)):
            run(command)


def test_cash_is_no_target() -> None:
    source = make_account(balance=7)
    cash = internal_account_id(CASH, "USD")
    with nothing_changes(), pytest.raises(NotFound):
        run(Transfer(account_id=source.id, target_account_id=cash, amount=Decimal(5)))


def test_a_bad_amount_is_told_before_what_is_wrong_with_the_accounts() -> None:
    source = make_account(balance=7)
    with nothing_changes(), pytest.raises(InvalidInput):
        run(transfer(source, source, "0.001"))


def test_an_account_does_not_transfer_to_itself() -> None:
    account = make_account(balance=7)
    close(empty := make_account())
    for either in (account, empty):
        with nothing_changes(), pytest.raises(SameAccount):
            run(transfer(either, either, 5))


def test_both_accounts_have_one_currency() -> None:
    source, target = make_account(balance=7), make_account(currency="EUR")
    close(target)
    with nothing_changes(), pytest.raises(CurrencyMismatch) as caught:
        run(transfer(source, target, 5))
    assert caught.value.detail == "A transfer needs one currency, not USD and EUR."


# Refusals that are kept, in the documented order. -------------------------------------------------


@pytest.mark.parametrize("closed", ["source", "target"])
def test_a_closed_account_comes_before_a_frozen_one(closed: str) -> None:
    source, target = make_account(), make_account()
    close(source if closed == "source" else target)
    open_one = target if closed == "source" else source
    freeze(open_one, FreezeScope.ALL)
    row = kept_as_failed(transfer(source, target, 5), AccountClosed)
    named = source if closed == "source" else target
    assert row.failure_detail == f"Account {named.id} is closed."


@pytest.mark.parametrize(
    ("frozen", "scope", "side"),
    [
        ("source", FreezeScope.DEBITS, "debits"),
        ("source", FreezeScope.ALL, "debits"),
        ("target", FreezeScope.CREDITS, "credits"),
        ("target", FreezeScope.ALL, "credits"),
    ],
)
def test_a_frozen_account_comes_before_the_funds(
    frozen: str, scope: FreezeScope, side: str
) -> None:
    source, target = make_account(balance=3), make_account()
    named = source if frozen == "source" else target
    freeze(named, scope)
    row = kept_as_failed(transfer(source, target, 5), AccountFrozen)
    assert row.failure_detail == f"Account {named.id} is frozen for {side}."


def test_blocks_of_the_other_side_do_not_matter() -> None:
    source, target = make_account(balance=7), make_account()
    freeze(source, FreezeScope.CREDITS)
    freeze(target, FreezeScope.DEBITS)
    assert run(transfer(source, target, 5)).credit_balance_after == 50_000


def test_the_debited_account_is_named_when_both_are_frozen() -> None:
    source, target = make_account(balance=7), make_account()
    freeze(source, FreezeScope.ALL)
    freeze(target, FreezeScope.ALL)
    row = kept_as_failed(transfer(source, target, 5), AccountFrozen)
    assert row.failure_detail == f"Account {source.id} is frozen for debits."


def test_the_funds_come_before_the_limit_of_the_balance() -> None:
    source, target = make_account(balance=7), holding(MAX_BALANCE)
    kept_as_failed(transfer(source, target, "7.01"), InsufficientFunds)
    row = kept_as_failed(transfer(source, target, 7), BalanceLimit)
    assert row.failure_detail == "The balance would pass 100000000000000.00 USD."
