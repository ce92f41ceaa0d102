"""A statement's content refuses what cannot be true."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from statements.documents.content import PrintedLine, StatementContent

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
LINE = PrintedLine(
    sequence=1,
    transaction_id=UUID(int=7),
    kind="DEPOSIT",
    posted_at=AT,
    value_at=AT,
    text="Deposit",
    description="Salary",
    debit=None,
    credit=Decimal("250.00"),
    balance_after=Decimal("350.00"),
)
CONTENT = StatementContent(
    bank_name="Bank",
    account_id=UUID(int=1),
    account_number="4711",
    account_name="Savings",
    customer_name="Ada",
    currency="EUR",
    number=3,
    start=datetime(2026, 10, 1, tzinfo=UTC),
    end=datetime(2026, 11, 1, tzinfo=UTC),
    time_zone=ZoneInfo("UTC"),
    issued_at=datetime(2026, 11, 1, 1, tzinfo=UTC),
    opening_balance=Decimal("100.00"),
    closing_balance=Decimal("350.00"),
    total_debits=Decimal("0.00"),
    total_credits=Decimal("250.00"),
    count=1,
    overdraft_limit=Decimal("0.00"),
    lines=[LINE],
)


@pytest.mark.parametrize(
    "changed",
    [{"closing_balance": Decimal("350.01")}, {"end": datetime(2026, 9, 30, tzinfo=UTC)}],
    ids=["balances", "period"],
)
def test_a_statement_that_does_not_join_is_refused(changed: Mapping[str, Any]) -> None:
    with pytest.raises(AssertionError):
        replace(CONTENT, **changed)


@pytest.mark.parametrize("debit", [None, Decimal(1)])
def test_a_line_has_one_side(debit: Decimal | None) -> None:
    with pytest.raises(AssertionError):
        replace(LINE, debit=debit, credit=debit)


def test_a_debit_lowers_the_balance() -> None:
    assert LINE.change == Decimal("250.00")
    assert replace(LINE, debit=Decimal("4.50"), credit=None).change == Decimal("-4.50")


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("EUR", 2), ("BHD", 3)])
def test_the_currency_gives_the_digits(currency: str, digits: int) -> None:
    assert replace(CONTENT, currency=currency).exponent == digits


def test_a_statement_without_number_is_interim() -> None:
    assert not CONTENT.is_interim
    assert replace(CONTENT, number=None).is_interim
