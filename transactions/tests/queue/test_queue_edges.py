"""Edge cases of the queue: a claim smaller than the due rows, other leases, the horizon."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core.database import drop_objects
from core.errors import InvalidInput
from tests.factories import make_account, run
from transactions.commands import Deposit, Retry, Withdraw
from transactions.models import Transaction
from transactions.queue import waiting as queue
from transactions.queue.acceptance import check_horizon
from transactions.queue.worker import Worker
from transactions.tests.queueing import WORKER, claimed, outcome, queue_up, work

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def withdrawal(**fields: Any) -> Withdraw:
    """A withdrawal from an account of its own, which waits for no other turn."""
    return Withdraw(account_id=make_account(balance=9).id, amount=Decimal(4), **fields)


def test_a_small_claim_takes_what_is_due_first() -> None:
    with time_machine.travel(NOW, tick=False):
        (late,) = queue_up(withdrawal(scheduled_for=NOW + timedelta(seconds=5)))
    # Of a later moment, so with a larger id.
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        (early,) = queue_up(withdrawal(scheduled_for=NOW + timedelta(seconds=4)))
    with time_machine.travel(NOW + timedelta(seconds=9), tick=False):
        assert claimed(batch_size=1) == [early.id]
        assert claimed(batch_size=1) == [late.id]


def test_a_heartbeat_extends_its_own_lease_only() -> None:
    queue_up(withdrawal(), withdrawal())
    mine = queue.claim("one", WORKER, batch_size=1)
    others = queue.claim("two", WORKER, batch_size=1)

    def lease_of(claim: queue.Claim) -> datetime:
        (held,) = claim.transaction_ids
        expires_at = Transaction.objects.get(pk=held).lease_expires_at
        assert expires_at is not None
        return expires_at

    before, before_of_others = lease_of(mine), lease_of(others)
    queue.extend(mine.lease)
    assert lease_of(others) == before_of_others
    assert lease_of(mine) > before


def test_a_queued_retry_is_not_posted_at_once_whatever_the_clock_does() -> None:
    account = make_account()
    row = run(Withdraw(account_id=account.id, amount=Decimal(4)))
    with time_machine.travel(row.updated_at - timedelta(hours=1), tick=False):
        run(Retry(transaction_id=row.id, reason="Once more", queued=True))
    assert outcome(row) == ("PENDING", "")


def test_nothing_waits_longer_than_a_year() -> None:
    check_horizon(NOW + timedelta(days=366), NOW)
    with pytest.raises(InvalidInput) as raised:
        check_horizon(NOW + timedelta(days=366, microseconds=1), NOW)
    assert [error.code for error in raised.value.errors] == ["too_far_ahead"]


def held_for_ever(row: Transaction, **columns: Any) -> None:
    """Leaves the row as a dead worker would."""
    past = timezone.now() - timedelta(hours=1)
    changed = {"status": "PROCESSING", "lease_token": uuid4(), "lease_expires_at": past} | columns
    Transaction.objects.filter(pk=row.id).update(**changed)


def test_a_retry_has_its_own_attempts() -> None:
    first, retried = queue_up(withdrawal(), withdrawal())
    held_for_ever(first, attempts=queue.MAX_ATTEMPTS)
    held_for_ever(retried, attempts=queue.MAX_ATTEMPTS, retry_count=1)
    assert queue.reap(WORKER) == 2
    assert outcome(first) == ("FAILED", "processing_error")
    assert outcome(retried) == ("PENDING", "")


def test_a_worker_takes_back_what_a_lost_one_held() -> None:
    (row,) = queue_up(withdrawal())
    held_for_ever(row, attempts=1)
    assert work() == 1
    assert outcome(row) == ("COMPLETED", "")


def test_a_row_of_a_lost_worker_gets_a_claim_of_its_own() -> None:
    fresh, suspect, last = queue_up(withdrawal(), withdrawal(), withdrawal())
    others = queue.claim("another", WORKER, batch_size=1)
    assert claimed("dead", batch_size=1) == [suspect.id]
    assert queue.inherit("dead", WORKER)
    assert queue.release(others.lease, WORKER) == 1
    assert [claimed(), claimed(), claimed()] == [[fresh.id], [suspect.id], [last.id]]


def test_refused_and_retried_rows_share_a_claim_with_others() -> None:
    """Each attempt ended by itself, so none of them has killed a worker."""
    poor = [make_account() for _ in range(3)]
    rows = queue_up(*(Withdraw(account_id=one.id, amount=Decimal(4)) for one in poor))
    assert work() == 3
    for row in rows:
        run(Retry(transaction_id=row.id, reason="Once more", queued=True))
    fresh = queue_up(withdrawal())
    assert claimed() == [row.id for row in [*rows, *fresh]]


def test_a_row_that_killed_a_worker_is_claimed_alone() -> None:
    """The first attempt failed without a worker, so its only claim is the lost one."""
    row = run(Withdraw(account_id=make_account().id, amount=Decimal(4)))
    run(Retry(transaction_id=row.id, reason="Once more", queued=True))
    assert claimed("dead") == [row.id]
    assert queue.inherit("dead", WORKER)
    (fresh,) = queue_up(withdrawal())
    assert [claimed(), claimed()] == [[row.id], [fresh.id]]


def test_a_deposit_to_a_held_account_does_not_block_others() -> None:
    """The deposit waits for its account. A small claim must not stop at it each time."""
    account = make_account(balance=9)
    (held,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(4)))
    assert claimed() == [held.id]
    _, other = queue_up(Deposit(account_id=account.id, amount=Decimal(1)), withdrawal())
    assert claimed(batch_size=1) == [other.id]


def test_what_was_approved_in_time_does_not_expire(django_user_model: Any, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(4)}
    approved, undecided = queue_up(withdrawal(), withdrawal())
    checker = django_user_model.objects.create_user("checker")
    long_ago = timezone.now() - timedelta(days=settings.APPROVAL_EXPIRES_DAYS + 1)
    Transaction.objects.filter(pk=approved.id).update(approved_by=checker)
    drop_objects(connection, kinds=("trigger",))
    Transaction.objects.filter(pk__in=[approved.id, undecided.id]).update(
        created_at=long_ago, updated_at=long_ago
    )
    assert queue.expire_approvals(WORKER) == 1
    assert outcome(approved) == ("PENDING", "")
    assert outcome(undecided) == ("FAILED", "approval_expired")


def test_the_lag_is_the_wait_of_the_oldest() -> None:
    with time_machine.travel(NOW, tick=False):
        queue_up(*(withdrawal(scheduled_for=NOW + timedelta(seconds=each)) for each in (3, 1, 2)))
    assert queue.lag(NOW + timedelta(seconds=9)) == timedelta(seconds=8)


def test_success_ends_the_waits_of_a_worker() -> None:
    worker = Worker(once=True)
    worker._backoff = 3.2
    queue_up(withdrawal())
    assert worker.run() == 1
    assert worker._backoff == 0
