"""Transfer money between two accounts."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.errors import CurrencyMismatch, SameAccount
from core.money import units_to_move
from transactions.ledger.command import MoneyCommand
from transactions.ledger.posting import Currencies, Posting
from transactions.states import TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(MoneyCommand):
    """Debits `account_id`, credits `target_account_id`: two customer accounts of one currency."""

    verb: ClassVar[str] = "transfer"
    gathers: ClassVar[bool] = True
    type: ClassVar[TransactionType] = TransactionType.TRANSFER

    target_account_id: UUID

    def account_ids(self) -> tuple[UUID, ...]:
        return (self.account_id, self.target_account_id)

    def posting(self, accounts: Currencies) -> Posting:
        source, target = accounts[self.account_id], accounts[self.target_account_id]
        units = units_to_move(self.amount, source.currency)
        if source.id == target.id:
            raise SameAccount("An account cannot transfer to itself.")
        if source.currency != target.currency:
            raise CurrencyMismatch(
                f"A transfer needs one currency, not {source.currency} and {target.currency}."
            )
        return Posting(source.id, target.id, units, source.currency)
