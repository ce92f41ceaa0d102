"""The transaction of a group fails: who then runs alone, and who hears what."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection
from django.utils import timezone

from accounts.models import Account
from core import bulkhead, failpoints
from core.database_errors import LOST, meaning_of
from core.errors import (
    Busy,
)
from core.failpoints import FailpointReached
from core.gathering import ALONE
from tests.assertions import nothing_changes
from tests.concurrency.interleaving import rival
from tests.factories import make_account, run
from transactions.commands import Withdraw
from transactions.ledger import groups
from transactions.ledger.groups import Asked
from transactions.ledger.processor import process
from transactions.tests.grouping import (
    asked,
    balance,
    deposit,
    outcomes,
    withdraw,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(balance=100)


@pytest.fixture
def bob() -> Account:
    return make_account(balance=50)


def test_a_conflict_that_no_key_explains_sends_all_their_own_way(ada: Account) -> None:
    nobody = asked(deposit(ada), user_id=987_654)
    tried: list[int] = []

    def conflict(group: Sequence[Asked]) -> Any:
        tried.append(len(group))
        raise IntegrityError

    assert groups.outcomes([nobody, asked(deposit(ada))], conflict) == [ALONE, ALONE]
    assert tried == [2]


def test_a_second_conflict_sends_all_their_own_way(ada: Account) -> None:
    used = asked(deposit(ada, idempotency_key="k"))
    process([used.command], used.origin)
    tried: list[int] = []

    def conflict(group: Sequence[Asked]) -> Any:
        tried.append(len(group))
        raise IntegrityError

    waiting = [used, asked(deposit(ada)), asked(deposit(ada))]
    assert groups.outcomes(waiting, conflict) == [ALONE] * 3
    assert tried == [3, 2]


def test_a_bug_of_one_writes_nothing_and_sends_all_their_own_way(
    ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Withdraw, "posting", broken)
    with nothing_changes():
        assert outcomes(asked(deposit(ada)), asked(withdraw(ada))) == [ALONE, ALONE]


@pytest.fixture
def _armed() -> Iterator[None]:
    yield
    failpoints.arm("")


@pytest.mark.usefixtures("_armed")
def test_a_fault_before_the_commit_writes_nothing(ada: Account) -> None:
    failpoints.arm("gather.written=raise")
    with nothing_changes():
        assert outcomes(asked(deposit(ada)), asked(withdraw(ada))) == [ALONE, ALONE]


@pytest.mark.usefixtures("_armed")
def test_a_fault_after_the_commit_is_no_reason_to_run_again(ada: Account) -> None:
    failpoints.arm("gather.committed=raise")
    with pytest.raises(FailpointReached):
        outcomes(asked(deposit(ada)), asked(deposit(ada)))
    assert balance(ada) == 102


def test_a_connection_lost_at_commit_is_told_to_all_and_nothing_is_done_again(
    ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(group: Sequence[Asked]) -> Any:
        groups.process_group(group)
        cause = psycopg.OperationalError("server closed the connection unexpectedly")
        raise OperationalError(*cause.args) from cause

    results = groups.outcomes([asked(deposit(ada)), asked(deposit(ada), "ben")], lost)
    assert [meaning_of(result) for result in results] == [LOST, LOST]
    assert results[0] is not results[1]


class _Cause(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("40P01", None),
        ("40001", None),
        ("55P03", None),
        ("22021", None),  # Some text of one of them: who is at fault will fail alone.
        ("42501", None),
        ("25006", Busy),
        ("53100", Busy),
        ("57P03", Busy),
        ("57014", OperationalError),
        ("25P03", OperationalError),
        ("57P01", OperationalError),
    ],
)
def test_what_a_database_error_means_for_each(
    ada: Account, sqlstate: str, expected: type[Exception] | None
) -> None:
    def fails(_group: Sequence[Asked]) -> Any:
        raise OperationalError(sqlstate) from _Cause(sqlstate)

    results = groups.outcomes([asked(deposit(ada)), asked(deposit(ada))], fails)
    if expected is None:
        assert results == [ALONE, ALONE]
    else:
        assert [type(result) for result in results] == [expected] * 2
        assert results[0] is not results[1]
        assert results[0].__cause__.sqlstate == sqlstate


def test_contention_that_took_all_the_time_is_busy(
    ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on SQLite, where a group waits for the one writer as long as any other."""
    moments = iter([0.0, *[20.0] * 9])
    monkeypatch.setattr("time.monotonic", lambda: next(moments))

    def fails(_group: Sequence[Asked]) -> Any:
        raise OperationalError from _Cause("55P03")

    results = groups.outcomes([asked(deposit(ada)), asked(deposit(ada))], fails)
    monkeypatch.undo()
    assert [type(result) for result in results] == [Busy, Busy]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_locked_account_sends_all_their_own_way_soon() -> None:
    bulkhead.install(4)
    locked, free = make_account(), make_account()
    try:
        with rival() as session:
            session.lock(locked.id)
            began = timezone.now()
            assert outcomes(asked(deposit(locked)), asked(deposit(free))) == [ALONE, ALONE]
            assert timezone.now() - began < timedelta(seconds=1.5)
            assert bulkhead._bulkhead is not None
            assert bulkhead._bulkhead._waits == {}
            # The time-out was of that transaction alone.
            with connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                assert cursor.fetchone() == ("2s",)
    finally:
        bulkhead._bulkhead = None


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_read_only_is_busy_to_each() -> None:
    account = make_account()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        results = outcomes(asked(deposit(account)), asked(deposit(account)))
        with pytest.raises(Busy) as alone:
            run(deposit(account))
    finally:
        connection.close()
    assert [str(result) for result in results] == [str(alone.value)] * 2
