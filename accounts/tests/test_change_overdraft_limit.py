from decimal import Decimal

import pytest

from accounts.commands import ChangeOverdraftLimit, CloseAccount
from core.errors import AccountClosed, InvalidInput, LimitBelowUse
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Withdraw

pytestmark = pytest.mark.django_db


def change(account_id, limit: str):
    command = ChangeOverdraftLimit(
        account_id=account_id, overdraft_limit=Decimal(limit), reason="good customer"
    )
    return run(command)


def test_the_limit_changes_what_is_available() -> None:
    account = make_account(balance=20, overdraft_limit=Decimal("1.5"))
    change(account.id, "300.25")
    account.refresh_from_db()
    assert account.overdraft_limit == Decimal("300.25")
    assert (account.balance, account.available_balance) == (20, Decimal("320.25"))
    event = account.events.get(event="OVERDRAFT_LIMIT_CHANGED")
    assert event.before == {"overdraft_limit": "1.50"}
    assert event.after == {"overdraft_limit": "300.25"}
    assert event.reason == "good customer"


def test_it_may_fall_to_what_is_in_use_and_not_below() -> None:
    account = make_account(overdraft_limit=Decimal(50))
    run(Withdraw(account_id=account.id, amount=Decimal("12.34")))
    with nothing_changes(), pytest.raises(LimitBelowUse) as caught:
        change(account.id, "12.33")
    assert caught.value.detail == "The account is overdrawn by 12.34 USD."
    change(account.id, "12.34")
    account.refresh_from_db()
    assert account.available_balance == 0


@pytest.mark.parametrize(
    ("currency", "limit"), [("USD", "-1"), ("USD", "0.001"), ("JPY", "0.5"), ("USD", "1e12")]
)
def test_a_bad_limit_is_refused(currency: str, limit: str) -> None:
    account = make_account(currency=currency)
    with nothing_changes(), pytest.raises(InvalidInput) as caught:
        change(account.id, limit)
    assert caught.value.errors[0].pointer == "/overdraft_limit"


def test_a_closed_account_keeps_its_limit() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        change(account.id, "5")


def test_a_bad_limit_is_told_before_a_closed_account() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(InvalidInput):
        change(account.id, "-5")
