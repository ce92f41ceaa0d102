"""The value date of a scheduled transaction is its scheduled moment, however late it is posted."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from core.commands import Origin
from tests.api import account_path, bad_fields, make_user, shown, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Approve, Deposit, Retry, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import assert_clean, queue_up, work

pytestmark = pytest.mark.django_db(transaction=True)

TOMORROW = timezone.now().replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
def account() -> Account:
    return make_account(balance=50)


def stored(row: Any) -> Transaction:
    return Transaction.objects.get(pk=row.id)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=30)], ids=["in time", "late"])
def test_it_is_the_moment_it_is_scheduled_for(account: Account, late: timedelta) -> None:
    answer = staff("teller").post(
        account_path(account, "deposit"), {"amount": "5", "scheduled_for": shown(TOMORROW)}
    )
    assert (answer.status_code, answer.json()["effective_at"]) == (202, shown(TOMORROW))
    assert work() == 0
    with time_machine.travel(TOMORROW + late, tick=True):
        assert work() == 1
        assert_clean()
    made = Transaction.objects.latest("id")
    assert (made.status, made.effective_at) == ("COMPLETED", TOMORROW)
    assert made.completed_at is not None
    assert made.completed_at >= TOMORROW + late


def test_a_moment_long_past_means_now(account: Account) -> None:
    (row,) = queue_up(
        Deposit(
            account_id=account.id,
            amount=Decimal(5),
            scheduled_for=timezone.now() - timedelta(days=30),
        )
    )
    assert stored(row).effective_at == stored(row).created_at
    assert work() == 1
    assert stored(row).effective_at == stored(row).created_at


def test_a_dry_run_says_so(account: Account, settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 10
    teller, path = staff("teller"), f"{account_path(account, 'deposit')}?dry_run=true"
    yesterday = timezone.now() - timedelta(days=1)
    with nothing_changes():
        scheduled = teller.post(path, {"amount": "5", "scheduled_for": shown(TOMORROW)}).json()
        dated = teller.post(path, {"amount": "5", "effective_at": shown(yesterday)}).json()
        plain = teller.post(path, {"amount": "5"}).json()
    assert scheduled["effective_at"] == shown(TOMORROW)
    assert dated["effective_at"] == shown(yesterday)
    now = datetime.fromisoformat(plain["effective_at"])
    assert abs(timezone.now() - now) < timedelta(minutes=1)


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_another_one_is_refused(account: Account, settings: Any, query: str) -> None:
    settings.BANK_BACKDATE_DAYS = 10
    yesterday = timezone.now() - timedelta(days=1)
    body = {"amount": "5", "scheduled_for": shown(TOMORROW), "effective_at": shown(yesterday)}
    with nothing_changes():
        answer = staff("teller").post(account_path(account, "deposit") + query, body)
    assert bad_fields(answer) == [("/effective_at", "scheduled")]


def test_approval_and_retry_keep_it(account: Account, settings: Any) -> None:
    """The dates of scheduled transactions, and those that staff set."""
    settings.BANK_BACKDATE_DAYS = 10
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    maker = make_user("maker", role="supervisor")
    checker = Origin(user_id=make_user("checker", role="supervisor").pk, caller="user:checker")
    asked_by = Origin(user_id=maker.pk, caller=f"user:{maker.pk}")
    yesterday = timezone.now() - timedelta(days=1)
    (scheduled,) = queue_up(
        Withdraw(account_id=account.id, amount=Decimal(100), scheduled_for=TOMORROW),
        origin=asked_by,
    )
    dated = run(
        Deposit(account_id=account.id, amount=Decimal(100), effective_at=yesterday), asked_by
    )
    small = run(Withdraw(account_id=account.id, amount=Decimal(99), effective_at=yesterday))
    assert stored(small).status == "FAILED"
    for row in (scheduled, dated):
        run(Approve(transaction_id=row.id), checker)
    run(Retry(transaction_id=small.id, queued=True))
    assert work() == 1
    with time_machine.travel(TOMORROW, tick=True):
        assert work() == 1
        assert stored(scheduled).failure_code == "insufficient_funds"
        deposit(account, 99)
        run(Retry(transaction_id=scheduled.id), asked_by)
        run(Approve(transaction_id=scheduled.id), checker)
        assert_clean()
    for row, date in ((scheduled, TOMORROW), (dated, yesterday), (small, yesterday)):
        assert (stored(row).status, stored(row).effective_at) == ("COMPLETED", date)
