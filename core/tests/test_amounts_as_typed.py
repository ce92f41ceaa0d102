"""Amounts as staff type them: every spelling of the console is taken, every doubt is refused."""

from decimal import Decimal

import pytest

from core.console.admin import shown_amount, shown_money
from core.console.amounts import example_amount, read_amount
from core.currencies import CURRENCIES

AMOUNTS = ["0.5", "1", "12.5", "999.25", "1000", "2016.5", "123456.75", "1234567", "99999999999.25"]


@pytest.mark.parametrize("currency", ["JPY", "USD", "BHD", "CLF"])
@pytest.mark.parametrize("amount", AMOUNTS)
def test_what_the_console_shows_is_read_as_the_same(amount: str, currency: str) -> None:
    value = Decimal(amount)
    if currency == "JPY":
        value = value.to_integral_value()
    for shown in (shown_amount(value, currency), shown_money(value, currency)):
        assert read_amount(shown, currency) == value
        assert read_amount(f"\t{shown}\u00a0", currency) == value


def test_the_example_of_every_currency_is_read() -> None:
    for currency in CURRENCIES:
        assert read_amount(example_amount(currency), currency) in (Decimal(1234), Decimal("1234.5"))
    assert [example_amount(code) for code in ("JPY", "USD", "BHD")] == [
        "1234",
        "1234.50",
        "1234.500",
    ]


@pytest.mark.parametrize(
    ("text", "currency", "spelling"),
    [
        ("1.000", "USD", "1000.00"),
        ("12.345", "JPY", "12345"),
        ("1,000", "BHD", "1000.000"),
        ("20,000", "CLF", "20000.0000"),
        (" 999.999 EUR", "EUR", "999999.00"),
    ],
)
def test_what_may_mean_two_amounts_is_refused_with_the_right_spelling(
    text: str, currency: str, spelling: str
) -> None:
    with pytest.raises(ValueError, match=f"Write {spelling} for the larger one.") as refused:
        read_amount(text, currency)
    assert str(refused.value).startswith(f"{text.split(maxsplit=1)[0]} can mean two amounts.")
    assert read_amount(spelling, currency) == Decimal(spelling)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1.250", "BHD", "1.25"),
        ("1,000", "JPY", "1000"),
        ("20,000", "USD", "20000"),
        ("20,000", "", "20000"),
        (" 999,999 EUR", "EUR", "999999"),
        ("1,234,567", "USD", "1234567"),
        ("1,234,567", "BHD", "1234567"),
        ("0.125", "USD", "0.125"),
    ],
)
def test_three_digits_that_the_currency_leaves_no_doubt_about(
    text: str, currency: str, amount: str
) -> None:
    assert read_amount(text, currency) == Decimal(amount)


@pytest.mark.parametrize("text", ["1,0000.00", "1,00.00", "01,000.00", "1,000,00", "1.000,00", ","])
def test_other_separators_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="digits with a decimal point"):
        read_amount(text, "USD")


def test_another_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="The amount is in USD here, not in EUR"):
        read_amount("5 EUR", "USD")
    assert read_amount("5 eur", "EUR") == read_amount("5 EUR") == 5
