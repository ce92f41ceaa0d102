"""Checks postings and applies them to locked accounts, in memory, before any write."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts.locks import LockedAccount
from core.errors import (
    AccountClosed,
    AccountDamaged,
    AccountFrozen,
    BalanceLimit,
    InsufficientFunds,
    Refusal,
)
from core.four_eyes import is_large_movement
from core.money import MAX_BALANCE_UNITS, format_amount, from_units
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import HasPosting
from transactions.ledger.spending import check_limits
from transactions.states import TransactionStatus, TransactionType

_REVERSAL = TransactionType.REVERSAL

# Locked accounts by id. Internal accounts are never included.
Accounts = Mapping[UUID, LockedAccount]


def execute_new(
    row: JournalRow, accounts: Accounts, now: datetime, totals: DayTotals | None
) -> None:
    """As `execute`, for a new row: a row that needs approval stays PENDING."""
    row.approval_required = needs_approval(row, totals)
    if not row.approval_required:
        execute(row, accounts, now)
    if totals is not None:
        totals.add(row)


def needs_approval(row: JournalRow, totals: DayTotals | None) -> bool:
    """Whether a row about to be executed or queued needs approval by a second person."""
    if is_large_movement(row.amount, row.currency):
        return True
    return totals is not None and totals.is_exceeded_by(row)


def execute(row: JournalRow, accounts: Accounts, now: datetime) -> None:
    """Completes or fails the row on the locked accounts, in memory."""
    try:
        check(row, accounts, is_payment=row.type != _REVERSAL)
    except Refusal as refusal:
        row.fail(refusal, now)
        return
    # Point of no return: everything below must succeed.
    complete(row, accounts.get(row.debit_account_id), accounts.get(row.credit_account_id), now)


def check(posting: HasPosting, accounts: Accounts, *, is_payment: bool = True) -> None:
    """Raises the first Refusal that applies, in the documented order. Pure.

    Limits of the account are for payments, and not for corrections by the bank.

    An account missing from `accounts` is internal: never closed, frozen or short of money.
    """
    debited = accounts.get(posting.debit_account_id)
    credited = accounts.get(posting.credit_account_id)
    for account in (debited, credited):
        if account and account.is_closed:
            raise AccountClosed(f"Account {account.id} is closed.")
    if debited and debited.debits_blocked:
        raise AccountFrozen(f"Account {debited.id} is frozen for debits.")
    if credited and credited.credits_blocked:
        raise AccountFrozen(f"Account {credited.id} is frozen for credits.")
    if debited and debited.debits_held:
        raise AccountDamaged(f"Account {debited.id} pays nothing until its books are examined.")
    if debited and debited.balance + debited.overdraft_limit - debited.held < posting.amount:
        available = _shown(debited.available, posting.currency)
        needed = _shown(posting.amount, posting.currency)
        raise InsufficientFunds(f"{available} available, {needed} needed.")
    if is_payment and debited and debited.has_limits:
        check_limits(debited, posting.amount)
    if credited and credited.balance + posting.amount > MAX_BALANCE_UNITS:
        limit = _shown(MAX_BALANCE_UNITS, posting.currency)
        raise BalanceLimit(f"The balance would pass {limit}.")


def complete(
    row: JournalRow, debited: LockedAccount | None, credited: LockedAccount | None, now: datetime
) -> None:
    """Posts the row to the locked accounts, in memory. None means an internal account.

    The posting time never runs backwards within an account, whatever the clock does: it is later
    than that of every earlier transaction of the account.
    """
    posted_at = now
    for side in (debited, credited):
        if side and side.not_before and side.not_before > posted_at:
            posted_at = side.not_before
    if debited:
        if row.type == _REVERSAL:
            debited.post(-row.amount, posted_at)
        else:
            debited.pay(row.amount, posted_at)
        row.debit_sequence = debited.last_sequence
        row.debit_balance_after = debited.balance
    if credited:
        credited.post(row.amount, posted_at)
        row.credit_sequence = credited.last_sequence
        row.credit_balance_after = credited.balance
    row.status = TransactionStatus.COMPLETED
    row.completed_at = row.updated_at = posted_at


def _shown(units: int, currency: str) -> str:
    return f"{format_amount(from_units(units), currency)} {currency}"
