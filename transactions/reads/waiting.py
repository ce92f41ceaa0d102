"""What waits on an account: in the queue, for its time, or for a second person."""

from uuid import UUID

from transactions.models import Transaction
from transactions.models.queries import DUE, IS_OPEN, SIDES, touching


def waiting_on(account_id: UUID, limit: int) -> list[Transaction]:
    """Up to `limit` open transactions that debit or credit the account, the next to run first.

    One statement along the queue's index, so its cost depends on what waits, not on the history.
    """
    rows = Transaction.objects.filter(IS_OPEN, touching(account_id))
    return list(rows.select_related(*SIDES).order_by(DUE, "id")[:limit])
