"""Parameters of named queries: typed, checked, and with a default."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from core import clock
from core.currencies import CURRENCIES
from core.money import parse_amount
from transactions.statistics.spans import Calendar

# A day, a currency or empty, an amount, a count of rows, or an account number.
Value = date | Decimal | int | str

_EARLIEST, _LATEST = date(1970, 1, 1), date(9999, 12, 30)
_MOST_ROWS = 1000


class WrongParameter(ValueError):
    """A value that a query does not take, or one that is missing. The message is a sentence."""


class Takes(StrEnum):
    DAY = "day"
    CURRENCY = "currency"
    AMOUNT = "amount"
    TOP = "top"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Parameter:
    """`default` gives the value for a business day; without one the parameter is required."""

    name: str
    title: str
    kind: Takes
    default: Callable[[date], Value] | None = None


def first_day() -> Parameter:
    return Parameter("first", "First day", Takes.DAY, lambda today: today - timedelta(days=29))


def first_day_of_year() -> Parameter:
    return Parameter("first", "First day", Takes.DAY, _year_before)


def last_day() -> Parameter:
    return Parameter("last", "Last day", Takes.DAY, lambda today: today)


def any_currency() -> Parameter:
    return Parameter("currency", "Currency", Takes.CURRENCY, lambda _today: "")


def top() -> Parameter:
    return Parameter("top", "Rows of each currency", Takes.TOP, lambda _today: 10)


def _year_before(today: date) -> date:
    """The first day of the month eleven months before."""
    months = today.year * 12 + today.month - 1 - 11
    return date(months // 12, months % 12 + 1, 1)


def business_day() -> date:
    """Today in the bank's time zone."""
    return Calendar().day_of(clock.about_now())


def parse(parameter: Parameter, text: str) -> Value:
    """The value that a text stands for. Raises WrongParameter."""
    try:
        return _PARSERS[parameter.kind](text.strip())
    except ValueError as error:
        raise WrongParameter(f"{parameter.title} ({parameter.name}): {error}") from None


def _day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError("A day is written as 2026-01-31.")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("There is no such day.") from None
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError(f"A day is between {_EARLIEST} and {_LATEST}.")
    return day


def _currency(text: str) -> str:
    if text and text not in CURRENCIES:
        raise ValueError("A currency is a code of ISO 4217, or empty for all.")
    return text


def _top(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text, re.ASCII) or int(text) > _MOST_ROWS:
        raise ValueError(f"A whole number from 1 to {_MOST_ROWS:,} is required.")
    return int(text)


def _account(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{1,20}", text, re.ASCII):
        raise ValueError("An account number has up to 20 digits or capital letters.")
    return text


_PARSERS: dict[Takes, Callable[[str], Value]] = {
    Takes.DAY: _day,
    Takes.CURRENCY: _currency,
    Takes.AMOUNT: parse_amount,
    Takes.TOP: _top,
    Takes.ACCOUNT: _account,
}
