"""What commands do to accounts that are locked: in memory, before anything is written."""

from datetime import datetime
from uuid import UUID

from accounts.locks import LockedAccount
from core.errors import Refusal
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import check

Accounts = dict[UUID, LockedAccount]


def execute_new(row: JournalRow, accounts: Accounts, now: datetime, totals: DayTotals) -> None:
    """As `execute`, for a row that is new: what needs approval is left PENDING."""
    if not totals.decide(row):
        execute(row, accounts, now)
        totals.add(row)


def execute(row: JournalRow, accounts: Accounts, now: datetime) -> None:
    """Completes or fails the row on the locked accounts, in memory."""
    try:
        check(row, accounts)
    except Refusal as refusal:
        row.fail(refusal, now)
        return
    # Point of no return: everything below must succeed.
    row.complete(accounts.get(row.debit_account_id), accounts.get(row.credit_account_id), now)
