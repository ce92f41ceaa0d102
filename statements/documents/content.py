"""What a statement shows. The app fills it from the ledger; each format is written from it.

All formats are functions of this content alone: no clock, no database, no settings. So the same
content gives the same bytes at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from core.currencies import minor_units


class DocumentFormat(StrEnum):
    """The values of `?format=`."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    CAMT = "camt053"  # camt.053.001.08 of ISO 20022


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedLine:
    """One entry of the account, in main units of its currency with all the currency's digits.

    Either `debit` or `credit` is set, and above zero. `text` says what happened in the words of the
    console ("Transfer to 4711 Ada"); `description` is what the maker wrote. `kind` is the type of
    the transaction, such as "DEPOSIT". The other account's number and name are empty for accounts
    of the bank itself; its name also for an account of another customer.
    """

    sequence: int
    transaction_id: UUID
    kind: str
    posted_at: datetime
    value_at: datetime
    text: str
    description: str
    debit: Decimal | None
    credit: Decimal | None
    balance_after: Decimal
    counterparty_number: str = ""
    counterparty_name: str = ""
    reverses: UUID | None = None
    reversed_by: UUID | None = None
    # The value date is on an earlier day than the posting, by the statement's time zone.
    has_earlier_value_date: bool = False

    def __post_init__(self) -> None:
        assert (self.debit is None) != (self.credit is None), "A line has one side."

    @property
    def change(self) -> Decimal:
        """What the line adds to the balance: negative for a debit."""
        return self.credit if self.credit is not None else -(self.debit or Decimal())


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementContent:
    """An account's statement over [start, end), with all that its documents show.

    Amounts are in main units with all digits of the currency. `number` counts the account's
    statements from 1; None for an interim statement, which is not issued and has no `digest`.
    `lines` are in order of sequence. A format reads them once; memory should hold some hundred at
    most, since a statement may have 100,000.
    `secret` is random, and part of the digest; only JSON shows it. `check_url` is the address at
    which anyone may check the digest; empty without a digest.
    `held` is what open holds reserved at the end; it is part of the closing balance, not booked.
    `seal` is the newest sealed head when the statement was issued, as text; empty if none.
    """

    bank_name: str
    account_id: UUID
    account_number: str
    account_name: str
    customer_name: str
    currency: str
    number: int | None
    start: datetime
    end: datetime
    time_zone: ZoneInfo
    issued_at: datetime
    opening_balance: Decimal
    closing_balance: Decimal
    total_debits: Decimal
    total_credits: Decimal
    count: int
    overdraft_limit: Decimal
    held: Decimal = Decimal(0)
    lines: Iterable[PrintedLine]
    check_url: str = ""
    secret: str = ""
    digest: str = ""
    previous_digest: str = ""
    seal: str = ""

    def __post_init__(self) -> None:
        moved = self.total_credits - self.total_debits
        assert self.opening_balance + moved == self.closing_balance, "The sums do not join."
        assert self.start <= self.end, "The period ends before it begins."

    @property
    def exponent(self) -> int:
        """Digits after the decimal point, by ISO 4217."""
        return minor_units(self.currency)

    @property
    def is_interim(self) -> bool:
        return self.number is None
