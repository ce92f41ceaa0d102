"""Rows of the journal, the ledger and the events as they are read: amounts in units, no models."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Subquery

from core.money import raw_units
from transactions.ledger.journal import AMOUNTS
from transactions.models import Transaction


class TransactionRow(NamedTuple):
    """The columns of a transaction that are shown, and whether its failure is final."""

    id: UUID
    type: str
    status: str
    debit_account_id: UUID
    credit_account_id: UUID
    amount: int
    currency: str
    debit_balance_after: int | None
    credit_balance_after: int | None
    description: str
    failure_code: str
    failure_detail: str
    retry_count: int
    approval_required: bool
    scheduled_for: datetime | None
    reverses_id: UUID | None
    effective_at: datetime
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    archived_at: datetime | None
    batch_id: UUID | None
    # Not a column: see `transactions.ledger.failures`.
    is_final: bool = False


class EntryRow(NamedTuple):
    """A ledger line, with the value date of its transaction."""

    transaction_id: UUID
    account_id: UUID
    side: str
    sequence: int | None
    amount: int
    balance_after: int | None
    currency: str
    posted_at: datetime
    effective_at: datetime


class EventRow(NamedTuple):
    """A later transition of a transaction, with the actor's user name."""

    event: str
    from_status: str
    to_status: str
    attempt: int
    actor: str | None
    caller: str
    reason: str
    detail: dict[str, Any]
    at: datetime


# The columns of each kind, as `values_list` takes them.
TRANSACTION_COLUMNS: tuple[Any, ...] = tuple(
    raw_units(name) if name in AMOUNTS else name
    for name in TransactionRow._fields
    if name != "is_final"
)
# By a look-up for each line. For a join SQLite would build the whole view.
_VALUE_DATE = Subquery(
    Transaction.objects.filter(pk=OuterRef("transaction_id")).values("effective_at")
)
ENTRY_COLUMNS: tuple[Any, ...] = (
    "transaction_id",
    "account_id",
    "side",
    "sequence",
    raw_units("amount"),
    raw_units("balance_after"),
    "currency",
    "posted_at",
    _VALUE_DATE,
)
EVENT_COLUMNS = tuple("actor__username" if name == "actor" else name for name in EventRow._fields)
