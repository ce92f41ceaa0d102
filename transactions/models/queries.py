"""Queries on stored transactions shared by several packages."""

from datetime import datetime
from uuid import UUID

from django.db.models import DateTimeField, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from accounts.models import holders
from transactions.models.transaction import Transaction
from transactions.states import OPEN, HoldStatus, TransactionStatus

# Both accounts with their holders, to be read along by pages of many transactions.
SIDES = holders("debit_account", "credit_account")
# When a transaction may start, as in the queue's index.
DUE = Coalesce("scheduled_for", "created_at", output_field=DateTimeField())
# Transactions that need no (further) approval.
RELEASED = Q(approval_required=False) | Q(approved_by__isnull=False)
# Literals, as in the indexes: SQLite uses a partial index only for constants in the statement.
FAILED = RawSQL(f"'{TransactionStatus.FAILED}'", ())  # noqa: S611 - a constant
WAITS_FOR_APPROVAL = Q(
    status=RawSQL(f"'{TransactionStatus.PENDING}'", ()),  # noqa: S611 - a constant
    approval_required=True,
    approved_by__isnull=True,
)
# Literals for the same reason: the condition of the queue's index.
IS_OPEN = Q(
    status__in=[
        RawSQL(f"'{status}'", ())  # noqa: S611 - a constant
        for status in (TransactionStatus.PENDING, TransactionStatus.PROCESSING)
    ]
)
# Open holds.
HOLD_IS_OPEN = Q(status=RawSQL(f"'{HoldStatus.OPEN}'", ()))  # noqa: S611 - a constant


def touching(account_id: UUID) -> Q:
    """Transactions that debit or credit the account."""
    return Q(debit_account_id=account_id) | Q(credit_account_id=account_id)


def has_open_transactions(account_id: UUID, now: datetime) -> bool:
    """Whether a transaction of the account waits or is being processed. Reads the queue's index.

    Payments that others have scheduled to the account do not count: they will find it closed.
    """
    to_come = Q(scheduled_for__gt=now) & ~Q(debit_account_id=account_id)
    waiting = Transaction.objects.filter(touching(account_id), status__in=OPEN)
    return waiting.exclude(to_come).exists()
