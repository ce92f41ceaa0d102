"""Postings: one account debited, another credited."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from uuid import UUID


class HasCurrency(Protocol):
    """The part of an account that a posting needs; the account may be locked or merely read."""

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
    """An object that defines a posting: a Posting, or a row of the journal."""

    @property
    def debit_account_id(self) -> UUID: ...

    @property
    def credit_account_id(self) -> UUID: ...

    @property
    def amount(self) -> int: ...

    @property
    def currency(self) -> str: ...
