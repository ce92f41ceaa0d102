"""Errors as staff read them."""

import pytest

from core.console.admin import for_staff

ID = "01a22a75-1b1d-7e76-8000-2d9c82be71ec"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("29980.00 USD needed.", "29,980.00 USD needed."),
        ("7.00 USD available, 1200 JPY needed.", "7.00 USD available, 1,200 JPY needed."),
        ("1,200.00 USD needed.", "1,200.00 USD needed."),
        ("12345678.1234 CLF needed.", "12,345,678.1234 CLF needed."),
        ("Within 2026 days.", "Within 2026 days."),
        ("Account 482910375614 is closed.", "Account 482910375614 is closed."),
        (f"Account {ID} is closed.", "The account is closed."),
        (f"Transaction {ID} has a reversal already.", "The transaction has a reversal already."),
        ("The transaction is FAILED, not PENDING.", "The transaction is failed, not pending."),
    ],
)
def test_amounts_have_separators_and_nothing_is_for_programs(told: str, shown: str) -> None:
    assert for_staff(told) == shown
