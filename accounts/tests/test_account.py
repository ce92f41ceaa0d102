from decimal import Decimal
from uuid import UUID

import pytest

from accounts.models import Account, internal_account_id
from accounts.states import ShownStatus


@pytest.mark.parametrize(
    ("status", "debits_blocked", "credits_blocked", "shown"),
    [
        ("ACTIVE", False, False, ShownStatus.ACTIVE),
        ("ACTIVE", True, False, ShownStatus.FROZEN),
        ("ACTIVE", False, True, ShownStatus.FROZEN),
        ("ACTIVE", True, True, ShownStatus.FROZEN),
        ("CLOSED", False, False, ShownStatus.CLOSED),
        ("CLOSED", True, True, ShownStatus.CLOSED),
    ],
)
def test_a_block_shows_as_frozen_unless_the_account_is_closed(
    status: str, debits_blocked: bool, credits_blocked: bool, shown: ShownStatus
) -> None:
    account = Account(status=status, debits_blocked=debits_blocked, credits_blocked=credits_blocked)
    assert account.shown_status == shown


def test_what_is_available_is_the_balance_and_the_overdraft() -> None:
    account = Account(balance=Decimal("-2.5"), overdraft_limit=Decimal(10))
    assert account.available_balance == Decimal("7.5")
    assert Account(balance=None).available_balance is None


def test_internal_ids_never_change() -> None:
    """The ids are computed, not looked up: a different id would be a different account."""
    assert internal_account_id("CASH", "USD") == UUID("45e09c27-7188-5a16-96a9-bf05d0bb5845")
    assert internal_account_id("CASH", "EUR") != internal_account_id("CASH", "USD")
