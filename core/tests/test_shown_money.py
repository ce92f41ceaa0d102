"""Amounts as the console shows them."""

from decimal import Decimal

import pytest

from core.console.admin import shown_money


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal("1234500"), "USD", "1,234,500.00 USD"),
        (Decimal(-7), "JPY", "-7 JPY"),
        (None, "USD", "-"),
    ],
)
def test_no_amount_has_no_currency(amount: Decimal | None, currency: str, words: str) -> None:
    assert shown_money(amount, currency) == words
