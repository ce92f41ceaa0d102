"""Contents of statements, as an app would fill them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.currencies import minor_units
from statements.documents.content import PrintedLine, StatementContent

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
CHECK = f"https://bank.example/verify/{'ab' * 32}/"
# Texts that documents must show: long, from right to left, Chinese, with special characters.
TEXTS = (
    ("Deposit", "Salary"),
    ("Transfer to 8812 李小龍商店", "発票 2026/10, とても長い説明です"),
    ("Transfer from 77 شركة النور للتجارة", "إيجار شهر أكتوبر"),
    ("Withdrawal", "דמי שכירות"),
    ("Transfer to 4711 Zoë & Søn <A/S>", "=1+1 " + "a letter that goes on and on, " * 15),
    ("Transfer from 12 Ωμέγα, Жук", "Worddddddddddddddddddddddddddddddddddddddddddddddddd" * 4),
)


@dataclass(frozen=True)
class ManyLines:
    """Makes `count` lines again at each walk, and holds none."""

    count: int
    currency: str = "EUR"
    opening: Decimal = Decimal(100)

    def __iter__(self) -> Iterator[PrintedLine]:
        balance = self.opening
        step = (END - START) / (self.count + 1)
        for number in range(1, self.count + 1):
            line = self._line(number, START + number * step)
            balance += line.change
            yield replace(line, balance_after=balance)

    def _line(self, number: int, at: datetime) -> PrintedLine:
        smallest = Decimal(1).scaleb(-minor_units(self.currency))
        amount = (number * 977 % 250_000 + 1) * smallest
        text, description = TEXTS[number % len(TEXTS)]
        is_debit = number % 3 == 0
        return PrintedLine(
            sequence=number + 12,
            transaction_id=UUID(int=number),
            kind=("DEPOSIT", "TRANSFER", "WITHDRAW", "REVERSAL")[number % 4],
            posted_at=at,
            value_at=at - timedelta(days=20) if number % 10 == 0 else at,
            text=text,
            description=description,
            debit=amount if is_debit else None,
            credit=None if is_debit else amount,
            balance_after=amount,
            counterparty_number="8812" if number % 4 == 1 else "",
            counterparty_name="李小龍商店" if number % 4 == 1 else "",
            reverses=UUID(int=5) if number % 4 == 3 else None,
            reversed_by=UUID(int=9) if number % 17 == 0 else None,
            has_earlier_value_date=number % 10 == 0,
        )


def content_of(lines: Sequence[PrintedLine] | ManyLines, **fields: Any) -> StatementContent:
    """A statement with these lines, and with the sums that they give."""
    opening = fields.pop("opening_balance", Decimal(100))
    debits = credits_ = Decimal(0)
    count = 0
    for line in lines:
        debits += line.debit or 0
        credits_ += line.credit or 0
        count += 1
    values = {
        "bank_name": "Bank of Examples",
        "account_id": UUID(int=1),
        "account_number": "1000000471",
        "account_name": "Household",
        "customer_name": "Ada Lovelace محمد 王小明",
        "currency": "EUR",
        "number": 3,
        "start": START,
        "end": END,
        "time_zone": ZoneInfo("UTC"),
        "issued_at": END + timedelta(hours=1),
        "opening_balance": opening,
        "closing_balance": opening + credits_ - debits,
        "total_debits": debits,
        "total_credits": credits_,
        "count": count,
        "overdraft_limit": Decimal(0),
        "lines": lines,
        "check_url": CHECK,
        "secret": "cd" * 32,
        "digest": "ab" * 32,
    }
    return StatementContent(**{**values, **fields})
