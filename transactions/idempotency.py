"""What a request with a known idempotency key is answered with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from accounts.commands import OpenAccount
from accounts.models import Account
from core.commands import Command, Origin
from core.errors import REFUSALS, IdempotencyKeyReused, Refusal
from transactions.commands import MoneyCommand, Reverse
from transactions.models import Transaction


@dataclass(frozen=True, slots=True)
class Replay:
    """What an earlier request with the same key made, in its present state."""

    stored: Account | Transaction
    replayed: ClassVar[bool] = True

    def as_transaction(self) -> Transaction:
        assert isinstance(self.stored, Transaction)
        return self.stored

    def as_account(self) -> Account:
        assert isinstance(self.stored, Account)
        return self.stored

    def refusal(self) -> Refusal | None:
        """The error that the earlier request was answered with, if it still stands."""
        transaction = self.as_transaction()
        refusal = REFUSALS.get(transaction.failure_code)
        if refusal is None:
            return None
        return refusal(transaction.failure_detail, transaction_id=transaction.id, replayed=True)


def find_replays(commands: Sequence[Command], origin: Origin) -> list[Replay]:
    """The replay of a request that carries one key: its first command does. None for another list.

    Empty if the key is free. Raises IdempotencyKeyReused if it belongs to another request: one with
    other content, or of another kind.
    """
    command = commands[0] if commands else None
    if not isinstance(command, MoneyCommand | OpenAccount | Reverse) or not command.idempotency_key:
        return []
    stored = _stored(origin.caller, command.idempotency_key)
    if stored is None:
        return []
    if stored.request_fingerprint != command.request_fingerprint:
        raise IdempotencyKeyReused("This key was used for another request. Use a new one.")
    return [Replay(stored)]


def _stored(caller: str, key: str) -> Account | Transaction | None:
    mine = {"idempotency_caller": caller, "idempotency_key": key}
    return (
        Transaction.objects.filter(**mine).first()
        or Account.objects.select_related("owner").filter(**mine).first()
    )
