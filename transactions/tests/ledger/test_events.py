"""Events: each transition by its name, in an order that no clock can change."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from core.commands import Origin
from core.identifiers import moment_of
from tests.factories import deposit, make_account, run
from transactions.commands import Approve, Cancel, Deposit, Reject, Retry, Withdraw
from transactions.ledger import events
from transactions.models import Transaction, TransactionEvent
from transactions.queue import waiting as queue
from transactions.queue.worker import Worker
from transactions.states import TransactionEventType, TransactionStatus, can_move
from transactions.tests.queueing import WORKER, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


def lived_through_all(settings, checker: Origin) -> None:
    """Transactions with every kind of event."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=20)
    command = Withdraw(account_id=account.id, amount=Decimal(30))
    with time_machine.travel(NOW, tick=False):
        expires, rejected, approved = (
            run(Withdraw(account_id=account.id, amount=Decimal(60))) for _ in range(3)
        )
        run(Reject(transaction_id=rejected.id, reason="no"), checker)
        run(Approve(transaction_id=approved.id), checker)
        cancelled, retried = queue_up(command, command)
        run(Cancel(transaction_id=cancelled.id, reason="no"))
        assert work() == 1
        deposit(account, 40)
        run(Retry(transaction_id=retried.id, reason="again"))
        queue_up(Deposit(account_id=account.id, amount=Decimal(5)))
        queue.release(queue.claim("a", WORKER, batch_size=5).lease, WORKER)
        queue.claim("b", WORKER, batch_size=5)
    with time_machine.travel(NOW + timedelta(days=30), tick=False):
        assert work() == 1
    assert Transaction.objects.get(pk=expires.id).failure_code == "approval_expired"


@pytest.fixture
def checker(django_user_model) -> Origin:
    return Origin(user_id=django_user_model.objects.create_user("checker").id, caller="user:1")


def test_every_event_is_a_step_of_the_table_or_an_approval_of_what_goes_on_waiting(
    settings, checker
) -> None:
    lived_through_all(settings, checker)
    steps = set(TransactionEvent.objects.values_list("event", "from_status", "to_status"))
    assert steps == {
        ("STARTED", "PENDING", "PROCESSING"),
        ("COMPLETED", "PROCESSING", "COMPLETED"),
        ("COMPLETED", "PENDING", "COMPLETED"),
        ("FAILED", "PROCESSING", "FAILED"),
        ("FAILED", "PENDING", "FAILED"),
        ("RELEASED", "PROCESSING", "PENDING"),
        ("LEASE_LOST", "PROCESSING", "PENDING"),
        ("EXPIRED", "PENDING", "FAILED"),
        ("RETRIED", "FAILED", "PENDING"),
        ("CANCELLED", "PENDING", "FAILED"),
        ("REJECTED", "PENDING", "FAILED"),
        ("APPROVED", "PENDING", "PENDING"),
    }
    assert {event for event, _, _ in steps} == set(TransactionEventType.values)
    for event, before, after in steps:
        moves = can_move(TransactionStatus(before), TransactionStatus(after))
        assert moves or event == "APPROVED"


def test_the_time_of_an_event_is_in_its_id(settings, checker) -> None:
    lived_through_all(settings, checker)
    for row in Transaction.objects.all():
        told = list(row.events.order_by("id"))
        times = [event.at for event in told]
        assert times == sorted(set(times))
        assert [moment_of(event.id) for event in told] == times
        if told:
            assert row.created_at < times[0]
            assert row.updated_at >= times[-1]


@pytest.mark.parametrize("step", [timedelta(0), timedelta(hours=-1), timedelta(days=-400)])
def test_a_moment_comes_after_the_last_one_whatever_the_clock_says(step: timedelta) -> None:
    row = deposit(make_account(), 5)
    assert events.moment_after(row, row.updated_at + step) == row.updated_at + timedelta(
        microseconds=1
    )
    later = row.updated_at + timedelta(seconds=3)
    assert events.moment_after(row, later) == later


def test_a_direct_outcome_needs_no_event() -> None:
    account = make_account(balance=20)
    run(Withdraw(account_id=account.id, amount=Decimal(30)))
    assert not TransactionEvent.objects.exists()


def test_a_worker_signs_with_its_name() -> None:
    account = make_account(balance=20)
    (row,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(30)))
    taker = Worker(once=True)
    taker.run()
    callers: Any = Transaction.objects.get(pk=row.id).events.values_list("caller", "actor")
    assert set(callers) == {(f"worker:{taker.name}", None)}
