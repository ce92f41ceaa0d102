"""Concurrent movements of one maker are added up: two cannot pass the daily threshold together.

The accounts differ, so only the maker's lock separates the movements.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from accounts.models import Account
from core.commands import Origin
from core.errors import Busy
from tests.api import make_user
from tests.concurrency.crowd import Thread, at_once
from tests.concurrency.interleaving import Steps, failures_recorded, rival, until, waiting_sessions
from tests.factories import make_account, run
from transactions.commands import Deposit, Retry, Withdraw
from transactions.ledger.day_totals import _MAKER_LOCKS, DayTotals
from transactions.models import Transaction
from transactions.queue.acceptance import accept
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

LEVELS = ["read committed", "serializable"]


@pytest.fixture(autouse=True)
def _threshold(settings: Any) -> None:
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {"USD": Decimal(100)}


@pytest.fixture
def maker() -> Origin:
    user = make_user("maker")
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


def deposit(amount: int) -> Deposit:
    return Deposit(account_id=make_account().id, amount=Decimal(amount))


def retried(job: Callable[[], Any]) -> Any:
    """The job's result; repeats it while the bank is busy."""
    while True:
        with suppress(Busy):
            return job()


def two_at_once(monkeypatch: pytest.MonkeyPatch, maker: Origin) -> list[bool]:
    """Whether each of two movements waits for a second person.

    The second one begins when the first one has written everything.
    """
    jobs = [partial(run, deposit(amount), maker) for amount in (60, 50)]
    return [row.approval_required for row in Steps.written(monkeypatch).run(*jobs)]


@pytest.mark.parametrize("level", LEVELS)
def test_the_second_one_sees_the_first(
    monkeypatch: pytest.MonkeyPatch,
    maker: Origin,
    isolation: Callable[[str], None],
    level: str,
) -> None:
    isolation(level)
    assert two_at_once(monkeypatch, maker) == [False, True]
    assert verify().ok


# SQLite has one writer at a time, whatever is locked.
@pytest.mark.postgresql
def test_without_the_lock_both_slip_under(
    monkeypatch: pytest.MonkeyPatch, maker: Origin, isolation: Callable[[str], None]
) -> None:
    isolation("read committed")
    monkeypatch.setattr(DayTotals, "lock", lambda _totals, _makers, **_: None)
    assert two_at_once(monkeypatch, maker) == [False, False]


@pytest.mark.parametrize("level", LEVELS)
def test_a_crowd_moves_no_more_than_the_threshold(
    maker: Origin, isolation: Callable[[str], None], level: str
) -> None:
    """Posted, queued and retried movements, all at once: each either counts or waits."""
    isolation(level)
    poor = [make_account() for _ in range(4)]
    failed = [run(Withdraw(account_id=one.id, amount=Decimal(15)), maker) for one in poor]
    for one in poor:
        run(Deposit(account_id=one.id, amount=Decimal(15)))
    assert {row.failure_code for row in failed} == {"insufficient_funds"}
    retries = [Retry(transaction_id=row.id, reason="Covered now") for row in failed]
    jobs: list[Callable[[], Any]] = [
        *(partial(run, deposit(15), maker) for _ in range(4)),
        *(partial(accept, [deposit(15)], maker) for _ in range(4)),
        *(partial(run, retry, maker) for retry in retries),
    ]
    contention: list[str] = []

    def watched(job: Callable[[], Any]) -> None:
        with failures_recorded() as failures:
            try:
                job()
            except Busy:  # SERIALIZABLE gives up after some attempts, and nothing was done.
                assert level == "serializable"
        contention.extend(failures)

    at_once([partial(watched, job) for job in jobs])
    mine = Transaction.objects.filter(created_by_id=maker.user_id).exclude(status="FAILED")
    through = mine.filter(approval_required=False)
    assert sum(row.amount for row in through) <= 100
    if level == "read committed":
        assert (mine.count(), through.count(), contention) == (12, 6, [])
    assert verify().ok


@pytest.mark.postgresql
def test_a_held_account_stalls_no_other_movement_of_its_maker(maker: Origin) -> None:
    """One held account stalls nothing else of its maker."""
    held, other = deposit(1), deposit(2)
    with rival() as holder:
        holder.lock(held.account_id)
        waiting = Thread(partial(retried, partial(run, held, maker))).start()
        assert until(lambda: waiting_sessions() == 1)
        for _ in range(3):
            begun = time.monotonic()
            assert run(other, maker).status == "COMPLETED"
            assert time.monotonic() - begun < 1
        holder.session.rollback()
        waiting.result()
    assert Account.objects.get(pk=other.account_id).balance == 6
    assert Transaction.objects.filter(credit_account=held.account_id).count() == 1


@pytest.mark.postgresql
def test_another_maker_does_not_wait_and_a_stuck_one_is_busy(
    maker: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = get_user_model().objects.create_user("other")
    command = deposit(1)
    monkeypatch.setattr("core.contention._ATTEMPTS", 1)
    with rival() as holder:
        holder.session.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_MAKER_LOCKS, maker.user_id]
        )
        assert run(command, Origin(user_id=other.pk, caller="user:other")).status == "COMPLETED"
        with pytest.raises(Busy):
            run(command, maker)
    assert Account.objects.get(pk=command.account_id).balance == 1
