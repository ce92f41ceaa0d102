"""A posting, and the checks it must pass."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from accounts.locks import LockedAccount
from core.errors import AccountClosed, AccountFrozen, BalanceLimit, InsufficientFunds
from core.money import MAX_BALANCE_UNITS, format_amount, from_units

Accounts = Mapping[UUID, LockedAccount]


class HasCurrency(Protocol):
    """As much of an account as is needed to say what to post: locked or merely read."""

    @property
    def id(self) -> UUID: ...

    @property
    def currency(self) -> str: ...


Currencies = Mapping[UUID, HasCurrency]


class Posting(NamedTuple):
    """One account debited, another credited. `amount` is in 1/10,000 of the main unit."""

    debit_account_id: UUID
    credit_account_id: UUID
    amount: int
    currency: str


class HasPosting(Protocol):
    """What says what to post: a Posting, or a row of the journal."""

    @property
    def debit_account_id(self) -> UUID: ...

    @property
    def credit_account_id(self) -> UUID: ...

    @property
    def amount(self) -> int: ...

    @property
    def currency(self) -> str: ...


def check(posting: HasPosting, accounts: Accounts) -> None:
    """Raises the first Refusal that applies, in the documented order. Pure.

    An account that is not among `accounts` is internal: never closed, frozen or short of money.
    """
    debited = accounts.get(posting.debit_account_id)
    credited = accounts.get(posting.credit_account_id)
    for account in (debited, credited):
        if account and account.is_closed:
            raise AccountClosed(f"Account {account.id} is closed.")
    if debited and debited.debits_blocked:
        raise AccountFrozen(f"Account {debited.id} is frozen for debits.")
    if credited and credited.credits_blocked:
        raise AccountFrozen(f"Account {credited.id} is frozen for credits.")
    if debited and debited.available < posting.amount:
        available = _shown(debited.available, posting.currency)
        needed = _shown(posting.amount, posting.currency)
        raise InsufficientFunds(f"{available} available, {needed} needed.")
    if credited and credited.balance + posting.amount > MAX_BALANCE_UNITS:
        limit = _shown(MAX_BALANCE_UNITS, posting.currency)
        raise BalanceLimit(f"The balance would pass {limit}.")


def _shown(units: int, currency: str) -> str:
    return f"{format_amount(from_units(units), currency)} {currency}"
