"""Amounts as staff type or paste them: the spellings of the console itself, and none in doubt."""

import re
from decimal import Decimal

from core.currencies import CURRENCIES, minor_units
from core.money import format_amount, parse_amount

_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
# Three digits after a lone separator: a thousand in one country, a fraction in another.
_IN_DOUBT = re.compile(r"([1-9][0-9]{0,2})([.,])([0-9]{3})")
# The digits of most currencies, for an amount without one.
_USUAL = "USD"


def read_amount(text: str, currency: str = "") -> Decimal:
    """An amount as typed, in main units, with its decimals as typed.

    Takes plain decimal notation, and what the console shows: thousands in threes ("2,016.40",
    "20,000"), blanks around, and the currency's code behind. Without `currency` the amount may
    be of any.

    Raises ValueError, with a sentence for staff, for anything else. An amount that could mean two
    is refused with the right spelling.
    """
    text = _without_code(" ".join(text.split()), currency)
    currency = currency if currency in CURRENCIES else _USUAL
    digits = minor_units(currency)
    if doubtful := _IN_DOUBT.fullmatch(text):
        before, separator, after = doubtful.groups()
        has_these_decimals = digits >= len(after)
        # The console prints "20,000.00", so "20,000" is what a teller copies from it or writes
        # like it. Where no amount has three decimals, the comma cannot be a decimal one: who
        # writes those has "20,00". In dinars, 20,000 may as well be twenty.
        if separator == "," and has_these_decimals:
            raise _doubt(text, before + after, currency)
        # The console has no point between thousands: one is from elsewhere, or too many decimals.
        if separator == "." and not has_these_decimals:
            raise _doubt(text, before + after, currency)
    return parse_amount(text.replace(",", "") if _THOUSANDS.fullmatch(text) else text)


def example_amount(currency: str) -> str:
    """How an amount in this currency is written: "1234.50", or "1234" without decimals."""
    return format_amount(Decimal("1234.5" if minor_units(currency) else "1234"), currency)


def _without_code(text: str, currency: str) -> str:
    number, _, code = text.rpartition(" ")
    if not number or code.upper() not in CURRENCIES:
        return text
    if currency and code.upper() != currency:
        raise ValueError(f"The amount is in {currency} here, not in {code.upper()}.")
    return number.rstrip()


def _doubt(text: str, digits: str, currency: str) -> ValueError:
    spelling = format_amount(Decimal(digits), currency)
    return ValueError(f"{text} can mean two amounts. Write {spelling} for the larger one.")
