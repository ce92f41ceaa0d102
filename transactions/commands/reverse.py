"""Undo a completed transaction by its opposite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from core.commands import Command
from core.errors import AlreadyReversed, InvalidTransition, NotFound, ReversalOfReversal
from core.money import to_units
from transactions.commands.base import MoneyCommand
from transactions.commands.decisions import Retry, check_not_reversed
from transactions.ledger.posting import Currencies, Posting
from transactions.models import Transaction
from transactions.states import TransactionStatus, TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Command):
    """Posts a REVERSAL: what was credited is debited, and the other way round. Once only.

    The original stays as it is. The reason is the reversal's description.
    """

    verb: ClassVar[str] = "reverse"

    transaction_id: UUID
    reason: str
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    earlier_fingerprint: str = ""

    def resolve(self) -> "Reversal":
        """The money command that undoes the original, which is final, so that no lock is needed.

        Raises NotFound, ReversalOfReversal, InvalidTransition if it is not completed, and
        AlreadyReversed; of two at once the unique index lets one through.
        """
        original = Transaction.objects.filter(pk=self.transaction_id).first()
        if original is None:
            raise NotFound(f"There is no transaction {self.transaction_id}.")
        if original.type == TransactionType.REVERSAL:
            raise ReversalOfReversal("A reversal is final; post the transaction anew instead.")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(MoneyCommand):
    """The opposite of `original`."""

    verb: ClassVar[str] = "reverse"
    type: ClassVar[TransactionType] = TransactionType.REVERSAL

    original: Transaction

    @property
    def reverses_id(self) -> UUID | None:
        return self.original.id

    def account_ids(self) -> tuple[UUID, ...]:
        """The customers' accounts among the two: the sides that have a sequence."""
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


def resolve(commands: Sequence[Any]) -> list[Any]:
    """The commands, each Reverse as the money command that it comes to.

    Raises what `Reverse.resolve` does, and AlreadyReversed for what the list names twice.
    """
    resolved = [
        command.resolve() if isinstance(command, Reverse) else command for command in commands
    ]
    originals = [one.original.id for one in resolved if isinstance(one, Reversal)]
    if len(set(originals)) < len(originals):
        raise AlreadyReversed("A transaction is named twice.")
    return resolved


def explain_conflict(commands: Sequence[Command]) -> None:
    """Of two reversals at once the unique index lets one through: tells the other so.

    Raises AlreadyReversed, or returns where the conflict was about something else.
    """
    for command in commands:
        if isinstance(command, Reverse):
            command.resolve()
        if isinstance(command, Retry):
            command.check_not_reversed()
