"""Deposit money into an account."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from accounts.models import CASH, internal_account_id
from core.money import units_to_move
from transactions.ledger.command import MoneyCommand
from transactions.ledger.posting import Currencies, Posting
from transactions.states import TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(MoneyCommand):
    """Pays cash in: debits the currency's cash account, credits the customer's account."""

    verb: ClassVar[str] = "deposit"
    gathers: ClassVar[bool] = True
    type: ClassVar[TransactionType] = TransactionType.DEPOSIT

    def account_ids(self) -> tuple[UUID, ...]:
        return (self.account_id,)

    def posting(self, accounts: Currencies) -> Posting:
        currency = accounts[self.account_id].currency
        units = units_to_move(self.amount, currency)
        return Posting(
            debit_account_id=internal_account_id(CASH, currency),
            credit_account_id=self.account_id,
            amount=units,
            currency=currency,
        )
