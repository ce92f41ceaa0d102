"""What commands do to accounts that are locked: in memory, before anything is written."""

from datetime import datetime
from uuid import UUID

from accounts.locks import LockedAccount
from core.errors import Refusal
from core.four_eyes import is_large
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import check

Accounts = dict[UUID, LockedAccount]


def execute_new(row: JournalRow, accounts: Accounts, now: datetime) -> None:
    """As `execute`, for a row that is new: an amount that needs approval leaves it PENDING."""
    row.approval_required = is_large(row.amount, row.currency)
    if not row.approval_required:
        execute(row, accounts, now)


def execute(row: JournalRow, accounts: Accounts, now: datetime) -> None:
    """Completes or fails the row on the locked accounts, in memory."""
    try:
        check(row, accounts)
    except Refusal as refusal:
        row.fail(refusal, now)
        return
    # Point of no return: everything below must succeed.
    row.complete(accounts.get(row.debit_account_id), accounts.get(row.credit_account_id), now)
