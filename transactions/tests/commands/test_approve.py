"""Four eyes, in process: which transactions wait, who approves them, and when they expire."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.utils import timezone

from accounts.commands import FreezeAccount, OpenAccount
from accounts.models import Account
from core.commands import Origin
from core.errors import (
    ApprovalRequired,
    InvalidTransition,
    NotFound,
    NotRetryable,
    SelfApproval,
)
from tests.assertions import nothing_changes, refused_by_database
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Approve, Cancel, Deposit, Retry, Reverse, Withdraw
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process, process_all_or_none
from transactions.models import Transaction
from transactions.queue.waiting import expire_approvals
from transactions.tests.queueing import WORKER, history, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _thresholds(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal("50.25"), "JPY": Decimal(500)}


@pytest.fixture
def maker() -> Origin:
    return origin_of("maker")


@pytest.fixture
def checker() -> Origin:
    return origin_of("checker")


def origin_of(name: str, **fields: Any) -> Origin:
    user = get_user_model().objects.create_user(name, **fields)
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


def withdraw(account: Account, amount: str | int = 60, **fields: Any) -> Withdraw:
    return Withdraw(account_id=account.id, amount=Decimal(amount), **fields)


def approve(row: Any, origin: Origin) -> JournalRow:
    return run(Approve(transaction_id=row.id, reason="Checked"), origin)


@pytest.mark.parametrize(
    ("currency", "amount", "waits"),
    [
        ("USD", "50.24", False),
        ("USD", "50.25", True),
        ("JPY", "499", False),
        ("JPY", "500", True),
        ("EUR", "99999999", False),
    ],
)
def test_the_threshold_is_of_the_currency_and_inclusive(
    currency: str, amount: str, waits: bool
) -> None:
    account = make_account(currency=currency)
    row = deposit(account, amount)
    kept = Transaction.objects.get(pk=row.id)
    assert kept.status == ("PENDING" if waits else "COMPLETED")
    assert kept.approval_required is waits
    account.refresh_from_db()
    assert account.balance == (0 if waits else Decimal(amount))
    assert work() == 0


def test_without_thresholds_nothing_waits(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {}
    assert deposit(make_account(), 10**9).status == "COMPLETED"


def test_who_approves_is_kept_and_the_money_moves(maker, checker) -> None:
    account = make_account(balance=50, overdraft_limit=Decimal(20))
    row = run(withdraw(account), maker)
    done = approve(row, checker)
    assert (done.id, done.status, done.debit_balance_after) == (row.id, "COMPLETED", -100_000)
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.created_by_id, kept.approved_by_id) == (maker.user_id, checker.user_id)
    assert history(row) == [
        ("APPROVED", "PENDING", "PENDING", 0),
        ("COMPLETED", "PENDING", "COMPLETED", 0),
    ]
    event = kept.events.get(event="APPROVED")
    assert (event.actor_id, event.reason) == (checker.user_id, "Checked")
    with nothing_changes(), pytest.raises(InvalidTransition):
        approve(row, checker)


@pytest.mark.parametrize("fields", [{}, {"is_superuser": True, "is_staff": True}])
def test_nobody_approves_what_they_asked_for(fields: dict[str, Any]) -> None:
    me = origin_of("me", **fields)
    row = run(withdraw(make_account(balance=50)), me)
    with nothing_changes(), pytest.raises(SelfApproval):
        approve(row, me)
    with nothing_changes(), pytest.raises(SelfApproval):
        approve(row, Origin(user_id=me.user_id, caller="client:9"))


def test_a_job_approves_nothing(maker) -> None:
    for origin in (maker, ORIGIN):
        row = run(withdraw(make_account(balance=50)), origin)
        with nothing_changes(), pytest.raises(SelfApproval):
            approve(row, ORIGIN)


def test_the_database_knows_that_maker_and_checker_differ(maker) -> None:
    row = run(withdraw(make_account(balance=50)), maker)
    with refused_by_database("transaction_maker_is_not_checker"):
        Transaction.objects.filter(pk=row.id).update(approved_by=maker.user_id)


def test_an_approved_one_may_still_be_refused(maker, checker) -> None:
    account = make_account(balance=50)
    row = run(withdraw(account), maker)
    refused = approve(row, checker)
    assert (refused.status, refused.failure_code) == ("FAILED", "insufficient_funds")
    assert history(row)[-1] == ("FAILED", "PENDING", "FAILED", 0)


def test_only_what_waits_for_it_is_approved(checker) -> None:
    account = make_account(balance=40)
    (queued,) = queue_up(withdraw(account, 5))
    for row in (queued, deposit(account, 5), run(withdraw(account, 46))):
        with nothing_changes(), pytest.raises(InvalidTransition):
            approve(row, checker)
    with nothing_changes(), pytest.raises(NotFound):
        run(Approve(transaction_id=uuid4()), checker)


# With a queue, a schedule, an opening, a list. ----------------------------------------------------


def test_a_queued_one_waits_and_is_processed_when_approved(maker, checker) -> None:
    account = make_account(balance=50, overdraft_limit=Decimal(20))
    (row,) = queue_up(withdraw(account), origin=maker)
    assert work() == 0
    assert approve(row, checker).status == "COMPLETED"


def test_a_scheduled_one_waits_for_both(maker, checker) -> None:
    account = make_account(balance=50, overdraft_limit=Decimal(20))
    with time_machine.travel(NOW, tick=False):
        early, late = queue_up(
            *(withdraw(account, scheduled_for=NOW + timedelta(hours=1)) for _ in range(2)),
            origin=maker,
        )
        assert approve(early, checker).status == "PENDING"
        with nothing_changes(), pytest.raises(InvalidTransition):
            approve(early, checker)
        assert history(early) == [("APPROVED", "PENDING", "PENDING", 0)]
        assert work() == 0
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        assert work() == 1
        assert outcome(early) == ("COMPLETED", "")
        assert outcome(late) == ("PENDING", "")
        assert approve(late, checker).failure_code == "insufficient_funds"


def test_an_opening_opens_and_its_deposit_waits(maker, checker) -> None:
    opening = OpenAccount(name="Ada", currency="USD")
    command = Deposit(account_id=opening.account_id, amount=Decimal(60))
    account, row = process([opening, command], maker)
    assert (account.balance, row.status) == (0, "PENDING")
    assert Account.objects.get(pk=account.id).last_sequence == 0
    assert approve(row, checker).credit_balance_after == 600_000


def test_in_a_list_it_waits_and_in_an_atomic_one_it_is_refused(maker) -> None:
    account = make_account(balance=50)
    commands = [withdraw(account, 5), withdraw(account), withdraw(account, 6)]
    rows = process(commands, maker)
    assert [row.status for row in rows] == ["COMPLETED", "PENDING", "COMPLETED"]
    with nothing_changes(), pytest.raises(ApprovalRequired) as caught:
        process_all_or_none(commands, maker)
    assert caught.value.transaction_id is None


# Again for a retry and a reversal. ----------------------------------------------------------------


def test_a_retry_waits_for_somebody_other_than_its_requester(maker, checker) -> None:
    account = make_account(balance=50)
    row = run(withdraw(account), maker)
    assert approve(row, checker).failure_code == "insufficient_funds"
    deposit(account, 20)
    waits = run(Retry(transaction_id=row.id, reason="Paid in"), checker)
    assert (waits.status, waits.approved_by_id, waits.approval_required) == ("PENDING", None, True)
    with nothing_changes():
        for origin in (maker, checker):
            with pytest.raises(SelfApproval):
                approve(row, origin)
    third = origin_of("third")
    assert approve(row, third).status == "COMPLETED"
    assert Transaction.objects.get(pk=row.id).approved_by_id == third.user_id


def test_a_retry_waits_by_the_threshold_of_today(settings, maker, checker) -> None:
    account = make_account(balance=10)
    row = run(withdraw(account, 20), maker)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(20)}
    assert run(Retry(transaction_id=row.id, reason="again"), maker).status == "PENDING"
    run(Cancel(transaction_id=row.id, reason="no"), maker)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(15)}
    large = run(withdraw(account, 16), maker)
    assert approve(large, checker).failure_code == "insufficient_funds"
    settings.BANK_APPROVAL_THRESHOLDS = {}
    deposit(account, 10)
    done = run(Retry(transaction_id=large.id, reason="again"), maker)
    assert (done.status, done.approval_required) == ("COMPLETED", False)


def test_a_reversal_waits_as_well(settings, maker, checker) -> None:
    account = make_account()
    settings.BANK_APPROVAL_THRESHOLDS = {}
    paid_in = deposit(account, 60)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(60)}
    waits = run(Reverse(transaction_id=paid_in.id, reason="Wrong account"), maker)
    assert (waits.status, waits.approval_required) == ("PENDING", True)
    with nothing_changes(), pytest.raises(SelfApproval):
        approve(waits, maker)
    run(FreezeAccount(account_id=account.id))
    assert approve(waits, checker).failure_code == "account_frozen"


# The end of waiting. ------------------------------------------------------------------------------


def test_what_nobody_approves_expires(settings, maker, checker) -> None:
    settings.APPROVAL_EXPIRES_DAYS = 3
    account = make_account(balance=50)
    with time_machine.travel(NOW, tick=False):
        row = run(withdraw(account), maker)
        (queued,) = queue_up(withdraw(account, 5, scheduled_for=NOW + timedelta(days=9)))
        (approved,) = queue_up(
            withdraw(account, scheduled_for=NOW + timedelta(days=9)), origin=maker
        )
        approve(approved, checker)
    with time_machine.travel(NOW + timedelta(days=3), tick=False), nothing_changes():
        assert expire_approvals(WORKER) == 0
    with time_machine.travel(NOW + timedelta(days=3, microseconds=1), tick=False):
        assert work() == 0
        kept = Transaction.objects.get(pk=row.id)
        assert (kept.status, kept.failure_code) == ("FAILED", "approval_expired")
        assert kept.failure_detail == "Nobody approved it within 3 days."
        assert history(row) == [("EXPIRED", "PENDING", "FAILED", 0)]
        assert {outcome(queued), outcome(approved)} == {("PENDING", "")}
        with nothing_changes():
            with pytest.raises(InvalidTransition):
                approve(row, checker)
            with pytest.raises(NotRetryable):
                run(Retry(transaction_id=row.id, reason="again"))


def test_a_retry_has_its_own_time_to_be_approved(settings, maker, checker) -> None:
    settings.APPROVAL_EXPIRES_DAYS = 3
    account = make_account(balance=50)
    with time_machine.travel(NOW, tick=False):
        row = run(withdraw(account), maker)
        approve(row, checker)
    with time_machine.travel(NOW + timedelta(days=10), tick=False):
        run(Retry(transaction_id=row.id, reason="again"), maker)
        assert expire_approvals(WORKER) == 0
    with time_machine.travel(NOW + timedelta(days=14), tick=False):
        assert timezone.now() > NOW
        assert expire_approvals(WORKER) == 1
    assert outcome(row) == ("FAILED", "approval_expired")
