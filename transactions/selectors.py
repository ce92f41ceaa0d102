"""Reads of the journal and the ledger."""

from uuid import UUID

from django.db.models import Q

from transactions.models import Transaction
from transactions.states import OPEN


def touching(account_id: UUID) -> Q:
    """Transactions that debit or credit the account."""
    return Q(debit_account_id=account_id) | Q(credit_account_id=account_id)


def has_open_transactions(account_id: UUID) -> bool:
    """Whether a transaction of the account waits or is being processed. Reads the queue's index."""
    return Transaction.objects.filter(touching(account_id), status__in=OPEN).exists()
