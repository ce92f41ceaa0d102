"""What all money commands have in common: what they ask for, and the posting it comes to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from core.commands import Command
from transactions.ledger.posting import Currencies, Posting
from transactions.states import TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyCommand(Command):
    """Moves `amount`, in main units of the account's currency, from or to the account.

    `effective_at` is a value date that staff give. Bad input raises and leaves nothing behind; a
    posting that fails `check` is kept as a FAILED transaction.
    """

    type: ClassVar[TransactionType]

    account_id: UUID
    amount: Decimal
    description: str = ""
    scheduled_for: datetime | None = None
    effective_at: datetime | None = None
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    earlier_fingerprint: str = ""

    @property
    def reverses_id(self) -> UUID | None:
        """The transaction that this one undoes."""
        return None

    def posting(self, accounts: Currencies) -> Posting:
        """What to post, given the accounts and their currencies. Pure.

        Raises InvalidInput, SameAccount or CurrencyMismatch.
        """
        raise NotImplementedError
