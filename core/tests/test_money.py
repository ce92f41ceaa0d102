from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.currencies import CURRENCIES, minor_units
from core.errors import InvalidInput
from core.money import (
    MAX_AMOUNT,
    MAX_BALANCE_UNITS,
    fits,
    format_amount,
    from_units,
    parse_amount,
    to_units,
    units_to_move,
    validate_amount,
)

UNITS = st.integers(-MAX_BALANCE_UNITS, MAX_BALANCE_UNITS)


@given(UNITS)
def test_units_survive_the_way_there_and_back(units: int) -> None:
    with localcontext() as context:
        context.prec = 3  # no result may depend on it
        assert to_units(from_units(units)) == units
        assert from_units(units).as_tuple().exponent == -4


@given(st.integers(0, 10**19), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_printed_is_parsed_to_the_same_amount(minor: int, currency: str) -> None:
    amount = Decimal(f"{minor}E-{minor_units(currency)}")
    text = format_amount(amount, currency)
    assert parse_amount(text) == amount
    assert len(text.partition(".")[2]) == minor_units(currency)


@pytest.mark.parametrize("amount", ["0.00001", "1.00005", "1E-1000000", "NaN", "Infinity", "1E+99"])
def test_units_are_never_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="at most 4 decimals"):
        to_units(Decimal(amount))


def test_zeros_at_the_end_are_no_decimals() -> None:
    assert to_units(Decimal("1.50000000")) == 15_000


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("500.00", "500.00"),
        ("500", "500"),
        ("0.01", "0.01"),
        ("0", "0"),
        ("99999999999.9999", "99999999999.9999"),
        (500, "500"),
        (Decimal("123456789.01"), "123456789.01"),
        (Decimal("0.0000001"), "0.0000001"),
    ],
)
def test_plain_decimal_notation_is_parsed_exactly(sent: Any, amount: str) -> None:
    with localcontext() as context:
        context.prec = 3
        parsed = parse_amount(sent)
    assert parsed == Decimal(amount)
    assert parsed.as_tuple() == Decimal(amount).as_tuple()


def label(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.24}"


BAD_AMOUNTS: list[Any] = [
    None,
    *["NaN", "nan", "Infinity", "-Infinity", "1e400", "1E+2", "1e2", "-1", "-0", "+1", " 1 ", "1 "],
    *["", " ", "\n1", "1\n", "1_000", "1,000.00", "0x10", "$1", "1.", ".5", ".", "00001.00", "01"],
    *["1.0.0", "1/2", "१२", "١٢٣", "１００", "²", "½", "1\u00a0", "\u200e1", "1\x00", "−1"],
    *["9" * 41, "9" * 1_000, "1." + "0" * 1_000, "1" + "0" * 5_000],
    *[True, False, [], {}, ["1"], 1.5, float("nan"), b"1", -1, 10**41, 10**1_000],
    *[Decimal("NaN"), Decimal("Infinity"), Decimal("-1"), Decimal("-0"), Decimal("-0.0")],
    *[Decimal("1E+400"), Decimal("1E-400"), Decimal("1" * 50)],
]


@pytest.mark.parametrize("sent", BAD_AMOUNTS, ids=label)
def test_any_other_notation_is_refused(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"^(An|The) amount "):
        parse_amount(sent)


@given(st.text(max_size=50))
def test_arbitrary_text_is_an_amount_or_a_value_error(text: str) -> None:
    try:
        amount = parse_amount(text)
    except ValueError:
        return
    assert format(amount, "f") == text


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1.01", "USD", True),
        ("1.001", "USD", False),
        ("1.010", "USD", True),
        ("1.5", "JPY", False),
        ("1", "JPY", True),
        ("1.234", "KWD", True),
        ("1.2345", "KWD", False),
        ("1.2345", "CLF", True),
        ("1.23456", "CLF", False),
    ],
)
def test_an_amount_fits_the_minor_unit_or_not(amount: str, currency: str, expected: bool) -> None:
    assert fits(Decimal(amount), currency) is expected


@pytest.mark.parametrize(
    ("amount", "currency", "code", "detail"),
    [
        ("0", "USD", "invalid_amount", "The amount must be above zero."),
        ("-0.01", "USD", "invalid_amount", "The amount must be above zero."),
        ("NaN", "USD", "invalid_amount", "The amount must be above zero."),
        ("Infinity", "USD", "invalid_amount", "The amount must be above zero."),
        ("100000000000.01", "USD", "amount_too_large", "The amount is above 100000000000."),
        ("1E+400", "USD", "amount_too_large", "The amount is above 100000000000."),
        ("-1E+400", "USD", "invalid_amount", "The amount must be above zero."),
        ("1.001", "USD", "too_many_decimals", "An amount in USD has at most 2 decimals."),
        ("1.5", "JPY", "too_many_decimals", "An amount in JPY has at most 0 decimals."),
        ("1.2345", "KWD", "too_many_decimals", "An amount in KWD has at most 3 decimals."),
    ],
)
def test_an_amount_that_cannot_be_moved(amount: str, currency: str, code: str, detail: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        validate_amount(Decimal(amount), currency)
    with pytest.raises(InvalidInput) as again:
        units_to_move(Decimal(amount), currency)
    assert again.value.errors == raised.value.errors
    (error,) = raised.value.errors
    assert (error.pointer, error.code, error.detail) == ("/amount", code, detail)


def test_the_largest_amount_can_be_moved() -> None:
    for currency in ("USD", "CLF"):
        validate_amount(MAX_AMOUNT, currency)
        assert units_to_move(MAX_AMOUNT, currency) == 10**15


@given(st.integers(1, 10**15), st.sampled_from(sorted(CURRENCIES)))
def test_units_to_move_are_the_units_of_what_can_be_moved(units: int, currency: str) -> None:
    amount = from_units(units)
    if fits(amount, currency):
        amount = Decimal(format_amount(amount, currency))
        assert units_to_move(amount, currency) == units
    else:
        with pytest.raises(InvalidInput):
            units_to_move(amount, currency)


def test_a_limit_may_be_zero_and_is_named_by_its_own_pointer() -> None:
    validate_amount(Decimal(0), "USD", allow_zero=True)
    with pytest.raises(InvalidInput) as raised:
        validate_amount(Decimal(-1), "USD", allow_zero=True, pointer="/overdraft_limit")
    (error,) = raised.value.errors
    assert (error.pointer, error.detail) == ("/overdraft_limit", "The amount must be zero or more.")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("500", "USD", "500.00"),
        ("500.0000", "JPY", "500"),
        ("1E+3", "JPY", "1000"),
        ("-0", "USD", "0.00"),
        ("-12.5", "USD", "-12.50"),
        ("0.0001", "CLF", "0.0001"),
        ("100000000000000", "BHD", "100000000000000.000"),
    ],
)
def test_an_amount_is_printed_with_the_digits_of_its_currency(
    amount: str, currency: str, text: str
) -> None:
    assert format_amount(Decimal(amount), currency) == text


def test_printing_refuses_to_round() -> None:
    with pytest.raises(ValueError, match="at most 2 decimals"):
        format_amount(Decimal("0.005"), "USD")
