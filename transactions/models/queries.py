"""Questions about stored transactions that several rooms ask."""

from datetime import datetime
from uuid import UUID

from django.db.models import DateTimeField, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from transactions.models.transaction import Transaction
from transactions.states import OPEN, TransactionStatus

# When a transaction may start, as the index of the queue has it.
DUE = Coalesce("scheduled_for", "created_at", output_field=DateTimeField())
# What no second person has to let through any more.
RELEASED = Q(approval_required=False) | Q(approved_by__isnull=False)
# As its index says it: SQLite uses a partial index for what it reads in the statement itself only.
WAITS_FOR_APPROVAL = Q(
    status=RawSQL(f"'{TransactionStatus.PENDING}'", ()),  # noqa: S611 - a constant
    approval_required=True,
    approved_by__isnull=True,
)


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
