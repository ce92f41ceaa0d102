"""JournalRow: a row of the journal in memory, before and after it is stored."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from accounts.models import CASH, internal_account_id
from core.addresses import Address
from core.errors import REFUSALS, BankError, Refusal
from core.money import from_units
from core.sql.django_internals import as_stored
from transactions.ledger.posting import Posting
from transactions.models import Transaction
from transactions.states import TransactionStatus, TransactionType

# The maximum length of a detail, which is a sentence for people.
DETAIL_LENGTH = 500


@dataclass(slots=True)
class JournalRow:
    """A row of the journal, its columns by name, amounts in units.

    Code gives the columns by name. Only rows that are read come in the order of `COLUMNS`.
    """

    id: UUID
    type: TransactionType
    status: TransactionStatus
    debit_account_id: UUID
    credit_account_id: UUID
    amount: int
    currency: str
    description: str
    effective_at: datetime
    created_at: datetime
    updated_at: datetime
    debit_sequence: int | None = None
    debit_balance_after: int | None = None
    credit_sequence: int | None = None
    credit_balance_after: int | None = None
    failure_code: str = ""
    failure_detail: str = ""
    retry_count: int = 0
    attempts: int = 0
    reverses_id: UUID | None = None
    batch_id: UUID | None = None
    batch_index: int | None = None
    idempotency_caller: str | None = None
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    scheduled_for: datetime | None = None
    approval_required: bool = False
    worker: str = ""
    created_by_id: int | None = None
    request_id: str | None = None
    address: Address | str | None = None
    approved_by_id: int | None = None
    completed_at: datetime | None = None

    # Not a column: archived, part of an atomic batch, or a capture that waited for approval. Such a
    # failure cannot be retried.
    is_final: bool = False

    replayed: ClassVar[bool] = False

    def customer_account_ids(self) -> tuple[UUID, ...]:
        """The accounts to lock, which exclude the cash account."""
        cash = internal_account_id(CASH, self.currency)
        debited, credited = self.debit_account_id, self.credit_account_id
        if debited == cash:
            return (credited,)
        return (debited,) if credited == cash else (debited, credited)

    def posting(self) -> Posting:
        return Posting(self.debit_account_id, self.credit_account_id, self.amount, self.currency)

    def waits_for_approval(self) -> bool:
        return self.approval_required and self.approved_by_id is None

    def fail(self, refusal: BankError, now: datetime) -> None:
        """Fails the row with the refusal."""
        self.status = TransactionStatus.FAILED
        self.failure_code = refusal.code
        self.failure_detail = refusal.detail[:DETAIL_LENGTH]
        self.updated_at = now

    def refusal(self) -> Refusal | None:
        """The error for the response, with the transaction's id, if the row was refused."""
        refusal = REFUSALS.get(self.failure_code)
        if refusal is None:
            return None
        return refusal(self.failure_detail, transaction_id=self.id, is_final=self.is_final)

    def as_transaction(self) -> Transaction:
        """The stored row as a model instance, without reading it again."""
        values = {name: getattr(self, name) for name in COLUMNS}
        for name in AMOUNTS:
            if values[name] is not None:
                values[name] = from_units(values[name])
        values["address"] = self.address and str(self.address)
        return as_stored(Transaction(**values))


COLUMNS = tuple(field.name for field in fields(JournalRow) if field.name != "is_final")
AMOUNTS = ("amount", "debit_balance_after", "credit_balance_after")
