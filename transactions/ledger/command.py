"""The base of all money commands: the request data and how a command executes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from core.addresses import stored_address
from core.commands import KeyedCommand, Origin
from core.identifiers import uuid7
from transactions.ledger.execution import execute_new
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Currencies, Posting
from transactions.ledger.run import Run
from transactions.ledger.value_dates import value_date
from transactions.states import TransactionStatus, TransactionType

# The defaults of omitted members, in a request's fingerprint.
DEFAULTS = {"description": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyCommand(KeyedCommand[JournalRow]):
    """Moves `amount`, in main units of the account's currency, from or to the account.

    `effective_at` is a value date set by staff. Bad input raises and leaves nothing behind. A
    posting that fails `check` is kept as a FAILED transaction.
    """

    type: ClassVar[TransactionType]

    account_id: UUID
    amount: Decimal
    description: str = ""
    scheduled_for: datetime | None = None
    effective_at: datetime | None = None

    @property
    def reverses_id(self) -> UUID | None:
        """The id of the transaction that this one reverses."""
        return None

    def prepare(self) -> "MoneyCommand":
        return self

    def makers(
        self, origin: Origin, stored: Mapping[UUID, JournalRow]
    ) -> tuple[tuple[int | None, None]]:
        return ((origin.user_id, None),)

    def posting(self, accounts: Currencies) -> Posting:
        """Returns the posting, given the accounts and their currencies. Pure.

        Raises InvalidInput, SameAccount or CurrencyMismatch.
        """
        raise NotImplementedError

    def row(
        self, posting: Posting, origin: Origin, created_at: datetime, index: int = 0
    ) -> JournalRow:
        """Returns the PENDING row of this command: the `index`-th row of the moment `created_at`.

        Raises the same errors as `value_date`.
        """
        effective_at = created_at
        if self.effective_at is not None or self.scheduled_for is not None:
            effective_at = value_date(self, origin, created_at)
        return JournalRow(
            type=self.type,
            status=TransactionStatus.PENDING,
            debit_account_id=posting.debit_account_id,
            credit_account_id=posting.credit_account_id,
            amount=posting.amount,
            currency=posting.currency,
            description=self.description,
            effective_at=effective_at,
            reverses_id=self.reverses_id,
            idempotency_caller=origin.caller if self.idempotency_key else None,
            idempotency_key=self.idempotency_key,
            request_fingerprint=self.request_fingerprint,
            scheduled_for=self.scheduled_for,
            created_by_id=origin.user_id,
            request_id=origin.request_id or None,
            address=stored_address(origin.address) if origin.address else None,
            created_at=created_at,
            updated_at=created_at,
            id=uuid7(created_at, index),
        )

    def execute(self, run: Run) -> JournalRow:
        """Posts in memory. The row is COMPLETED, FAILED by its refusal, or PENDING for approval."""
        row = self.row(self.posting(run.accounts), run.origin, run.now, run.index)
        execute_new(row, run.accounts, run.now, run.totals)
        run.rows.append(row)
        return row
