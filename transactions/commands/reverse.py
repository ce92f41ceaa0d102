"""Reverse a completed transaction."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.commands import KeyedCommand
from core.errors import AlreadyReversed, InvalidTransition, NotFound, ReversalOfReversal
from core.money import to_units
from transactions.ledger.command import MoneyCommand
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Currencies, Posting
from transactions.ledger.run import Run
from transactions.models import Transaction
from transactions.states import TransactionStatus, TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(KeyedCommand[JournalRow]):
    """Posts a REVERSAL, which swaps debit and credit.

    The original stays unchanged, and can be reversed only once. The reason becomes the reversal's
    description.
    """

    verb: ClassVar[str] = "reverse"

    transaction_id: UUID
    reason: str

    def prepare(self) -> "Reversal":
        """Returns the money command that reverses the original.

        A completed original is final and needs no lock. Raises NotFound, ReversalOfReversal,
        InvalidTransition if it is not completed, and AlreadyReversed; the unique index lets one of
        two simultaneous reversals through.
        """
        original = Transaction.objects.filter(pk=self.transaction_id).first()
        if original is None:
            raise NotFound(f"There is no transaction {self.transaction_id}.")
        if original.type == TransactionType.REVERSAL:
            raise ReversalOfReversal("A reversal is final; post the transaction again instead.")
        if original.status != TransactionStatus.COMPLETED:
            raise InvalidTransition("Only a completed transaction can be reversed.")
        check_not_reversed(original.id)
        return Reversal(
            original=original,
            account_id=original.credit_account_id,
            amount=original.amount,
            description=self.reason,
            idempotency_key=self.idempotency_key,
            request_fingerprint=self.request_fingerprint,
        )

    def explain_conflict(self) -> None:
        """Raises AlreadyReversed for the reversal that the unique index refused."""
        self.prepare()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(MoneyCommand):
    """The opposite posting of `original`."""

    verb: ClassVar[str] = "reverse"
    type: ClassVar[TransactionType] = TransactionType.REVERSAL

    original: Transaction

    @property
    def reverses_id(self) -> UUID | None:
        return self.original.id

    def account_ids(self) -> tuple[UUID, ...]:
        """The customers' accounts of the original: only their sides have a sequence."""
        sides = (
            (self.original.debit_account_id, self.original.debit_sequence),
            (self.original.credit_account_id, self.original.credit_sequence),
        )
        return tuple(account_id for account_id, sequence in sides if sequence is not None)

    def posting(self, accounts: Currencies) -> Posting:
        return Posting(
            debit_account_id=self.original.credit_account_id,
            credit_account_id=self.original.debit_account_id,
            amount=to_units(self.original.amount),
            currency=self.original.currency,
        )

    def execute(self, run: Run) -> JournalRow:
        """Raises AlreadyReversed if the list names a transaction twice."""
        if self.original.id in run.reversed_ids:
            raise AlreadyReversed("A transaction is named twice.")
        run.reversed_ids.add(self.original.id)
        return MoneyCommand.execute(self, run)


def check_not_reversed(original_id: UUID) -> None:
    """Raises AlreadyReversed if a reversal waits or is posted. A failed one does not count."""
    reversals = Transaction.objects.filter(reverses=original_id)
    if reversals.exclude(status=TransactionStatus.FAILED).exists():
        raise AlreadyReversed(f"Transaction {original_id} has a reversal already.")
