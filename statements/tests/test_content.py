"""A statement's content refuses what cannot be true."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import time_machine

from statements.documents.content import PrintedLine, StatementContent
from tests.factories import make_account, make_hold, run
from transactions.commands import Capture, VoidHold
from transactions.reads.held import held_before

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


@pytest.mark.django_db
def test_what_was_held_is_told_as_it_was() -> None:
    minute = timedelta(minutes=1)
    with time_machine.travel(AT, tick=False) as travel:
        account = make_account(balance=100)
        hold = make_hold(account, 30)
        make_hold(account, 5)
        travel.shift(minute)
        run(Capture(hold_id=hold.pk, amount=Decimal(12)))
        travel.shift(minute)
        run(VoidHold(hold_id=hold.pk))
    moments = [AT + minute * half / 2 for half in (-1, 1, 3, 5)]
    assert [held_before(account.pk, one) for one in moments] == [0, 35, 23, 5]


def test_a_statement_without_number_is_interim() -> None:
    assert not CONTENT.is_interim
    assert replace(CONTENT, number=None).is_interim
