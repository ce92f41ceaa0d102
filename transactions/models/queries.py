"""Questions about stored transactions that several rooms ask."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from transactions.models.transaction import Transaction
from transactions.states import OPEN


def touching(account_id: UUID) -> Q:
    """Transactions that debit or credit the account."""
    return Q(debit_account_id=account_id) | Q(credit_account_id=account_id)


def has_open_transactions(account_id: UUID, now: datetime) -> bool:
    """Whether something of the account waits or is being processed. Reads the queue's index.

    What others have scheduled to pay it is no hindrance: it will find the account closed.
    """
    to_come = Q(scheduled_for__gt=now) & ~Q(debit_account_id=account_id)
    waiting = Transaction.objects.filter(touching(account_id), status__in=OPEN)
    return waiting.exclude(to_come).exists()
