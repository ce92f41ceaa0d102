"""The expiry of holds beside the queue: it waits for nobody, and ends in time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection

from accounts.models import Account
from tests.concurrency.interleaving import rival
from tests.factories import ORIGIN, make_account, run
from transactions.commands import PlaceHold
from transactions.models import Hold
from transactions.queue import worker
from transactions.queue.holds import expire_holds
from transactions.queue.worker import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


def hold(account: Account) -> Hold:
    placed: Hold = run(PlaceHold(account_id=account.id, amount=Decimal(1)))
    return placed


@pytest.fixture
def expired() -> Iterator[list[Hold]]:
    """Three holds whose time is over, of an account each, the oldest first."""
    with time_machine.travel(NOW, tick=False) as travel:
        holds = []
        for _ in range(3):
            holds.append(hold(make_account(balance=5)))
            travel.shift(timedelta(seconds=1))
        travel.shift(timedelta(days=8))
        yield holds


def still_open() -> list[object]:
    return list(Hold.objects.filter(status="OPEN").order_by("id").values_list("pk", flat=True))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_locked_account_keeps_only_its_own_hold(expired: list[Hold]) -> None:
    with rival() as session:
        for one in expired[:2]:
            session.lock(one.account_id)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10s'")
        began = time.perf_counter()
        assert expire_holds(ORIGIN) == 1
        assert time.perf_counter() - began < 5, "It waited for an account that is locked."
        connection.close()
    assert still_open() == [one.pk for one in expired[:2]]
    assert expire_holds(ORIGIN) == 2
    assert still_open() == []


def test_between_two_holds_it_gives_way(expired: list[Hold]) -> None:
    turns = iter([True, True, False])
    assert expire_holds(ORIGIN, lambda: next(turns)) == 2
    assert still_open() == [expired[2].pk]


@pytest.mark.usefixtures("expired")
def test_a_worker_gives_it_little_time_and_none_when_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = Worker()
    stopped.stop()
    stopped._expire_holds()
    assert len(still_open()) == 3
    monkeypatch.setattr(worker, "_HOLDS_SECONDS", 0.0)
    busy = Worker()
    busy._next_upkeep = time.monotonic() + 5
    busy._expire_holds()
    assert len(still_open()) == 3
    assert busy._next_upkeep <= time.monotonic() + 1  # The rest follows soon.
    monkeypatch.setattr(worker, "_HOLDS_SECONDS", 60.0)
    busy._expire_holds()
    assert still_open() == []


@pytest.mark.usefixtures("expired")
def test_a_single_look_ends_all() -> None:
    Worker(once=True).run()
    assert still_open() == []
