"""Edge cases of amounts: the sign, and zeros without meaning."""

from decimal import Decimal

import pytest

from core.errors import InvalidInput
from core.money import format_units, is_written_in, units_to_move


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [
        (-12_300, "USD", "-1.23"),
        (-100, "USD", "-0.01"),
        (-50_000, "JPY", "-5"),
        (0, "USD", "0.00"),
        (12_340, "KWD", "1.234"),
    ],
)
def test_units_are_shown_with_their_sign(units: int, currency: str, text: str) -> None:
    assert format_units(units, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "fits"),
    [("3.00", "USD", True), ("3.000", "USD", False), ("3.000", "KWD", True), ("3.0", "JPY", False)],
)
def test_zeros_count_as_written(amount: str, currency: str, fits: bool) -> None:
    assert is_written_in(Decimal(amount), currency) is fits
    if fits:
        assert units_to_move(Decimal(amount), currency) == 30_000
    else:
        with pytest.raises(InvalidInput):
            units_to_move(Decimal(amount), currency)
