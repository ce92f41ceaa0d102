import pytest

from core.currencies import CURRENCIES, minor_units
from core.currency_names import currency_choices


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("XAF", 0),
        ("BHD", 3),
        ("KWD", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_minor_units_are_those_of_iso_4217(code: str, digits: int) -> None:
    assert minor_units(code) == digits


# CLDR, which is for display, differs for these: afghani, lek, kyat, rupiah, dinar, sum.
@pytest.mark.parametrize("code", ["AFN", "ALL", "MMK", "IDR", "RSD", "UZS", "COP", "IRR"])
def test_minor_units_are_not_those_of_cldr(code: str) -> None:
    assert minor_units(code) == 2


@pytest.mark.parametrize(
    "code",
    # No currency, tests, metals, units without a minor unit, funds, withdrawn ones, no code at all.
    ["XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XBA", "BOV", "CHE", "CHW"]
    + ["COU", "MXV", "USN", "UYI", "XAD", "HRK", "ANG", "ZWL", "SLL", "CUC", "BGN", "DEM"]
    + ["usd", "US", "USDX", "", " USD", "ＵＳＤ"],
)
def test_anything_else_is_unknown(code: str) -> None:
    with pytest.raises(ValueError, match="is not a known currency"):
        minor_units(code)


def test_the_table_is_complete_and_well_formed() -> None:
    assert len(CURRENCIES) == 157
    assert list(CURRENCIES) == sorted(CURRENCIES)
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
    assert {digits: list(CURRENCIES.values()).count(digits) for digits in range(5)} == {
        0: 16,
        1: 0,
        2: 132,
        3: 7,
        4: 2,
    }


def test_each_currency_has_a_name_for_people() -> None:
    choices = dict(currency_choices())
    assert list(choices) == list(CURRENCIES)
    assert [code for code, words in choices.items() if words == code] == []
    assert (choices["USD"], choices["JPY"]) == ("USD (US Dollar)", "JPY (Yen)")
