"""After the clock was set back, no row has a change dated before an earlier one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from accounts.commands import FreezeAccount, RenameAccount, UnfreezeAccount
from accounts.models import Account
from accounts.states import FreezeScope
from tests.factories import deposit, make_account, run
from transactions.commands import Cancel, Retry, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, HOUR = NOON - timedelta(days=1), timedelta(hours=1)


def account_of_noon() -> Account:
    with time_machine.travel(BEFORE, tick=False):
        account = make_account(balance=5)
    with time_machine.travel(NOON, tick=False):
        run(RenameAccount(account_id=account.id, name="Grace", reason="married"))
    return account


@pytest.mark.parametrize(
    "change",
    [
        lambda one: run(RenameAccount(account_id=one.id, name="Ada", reason="again")),
        lambda one: run(FreezeAccount(account_id=one.id, scope=FreezeScope.ALL, reason="lost")),
        lambda one: run(UnfreezeAccount(account_id=one.id, reason="found")),
        lambda one: deposit(one, 7),
    ],
    ids=["rename", "freeze", "unfreeze", "deposit"],
)
def test_an_account_was_changed_last_when_it_says(change, request: pytest.FixtureRequest) -> None:
    account = account_of_noon()
    if request.node.callspec.id == "unfreeze":
        with time_machine.travel(NOON, tick=False):
            run(FreezeAccount(account_id=account.id, scope=FreezeScope.ALL, reason="lost"))
    with time_machine.travel(NOON - HOUR, tick=False):
        change(account)
    account.refresh_from_db()
    assert NOON <= account.updated_at < NOON + timedelta(seconds=1)
    with time_machine.travel(NOON + HOUR, tick=False):
        run(RenameAccount(account_id=account.id, name="Edith", reason="later"))
    account.refresh_from_db()
    assert account.updated_at == NOON + HOUR


def test_a_transaction_was_changed_last_when_it_says() -> None:
    account = account_of_noon()
    withdraw = Withdraw(account_id=account.id, amount=Decimal(50))
    with time_machine.travel(NOON, tick=False):
        failed = run(withdraw)
        waiting, cancelled = queue_up(withdraw, withdraw)
    with time_machine.travel(NOON - HOUR, tick=False):
        run(Retry(transaction_id=failed.id, reason="again"))
        run(Cancel(transaction_id=cancelled.id, reason="no more"))
    with time_machine.travel(NOON, tick=False):
        assert work() == 1
    for pk in (failed.id, waiting.id, cancelled.id):
        row = Transaction.objects.get(pk=pk)
        events = list(row.events.order_by("id"))
        assert [event.at for event in events] == sorted({event.at for event in events})
        assert row.updated_at == events[-1].at > NOON
