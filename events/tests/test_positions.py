"""Positions on PostgreSQL: nothing appears behind a reader, even on another server."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AccountEvent
from core.database import create_objects, drop_objects, require_objects
from core.errors import CursorLost
from core.identifiers import uuid7
from core.settled import settled_moment
from events import positions
from events.changes import ChangeReader
from events.feed import read
from events.keys import _NEWEST, _NEXT, BEGINNING, FeedPlace, newest_places
from tests.concurrency.crowd import Thread
from tests.factories import make_account
from tests.plans import generic_plan_of
from transactions.models import Transaction

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient"),
]


def noted(account: Any) -> AccountEvent:
    """A change by a database transaction of its own, or within the one that is open."""
    now = timezone.now()
    return AccountEvent.objects.create(id=uuid7(now), account=account, event="RENAMED", at=now)


def told(places: tuple[FeedPlace, ...] = BEGINNING) -> list[Any]:
    return [change.id for change in read(ChangeReader(), places, 200).changes]


@pytest.mark.parametrize("commits", [True, False])
def test_a_change_waits_for_an_older_database_transaction(commits: bool) -> None:
    account = make_account()
    settled_moment()
    start = newest_places()
    with transaction.atomic():
        first = noted(account)
        second: AccountEvent = Thread(lambda: noted(account)).start().result()
        # It is committed, but the first one would come before it.
        assert Thread(lambda: told(start)).start().result() == []
        # This one may be an effect of the second, though its database transaction is older.
        third = noted(account)
        transaction.set_rollback(not commits)
    settled_moment()
    assert told(start) == ([first.id, second.id, third.id] if commits else [second.id])


@pytest.fixture
def _changeable() -> Iterator[None]:
    """A database whose positions a test may change. Afterwards it is as it was."""
    drop_objects(connection, kinds=("trigger",))
    yield
    set_default(positions._DEFAULT)
    create_objects(connection)


def set_default(default: str) -> None:
    for table in positions.TABLES:
        execute(f"ALTER TABLE {table} ALTER COLUMN {positions.COLUMN} SET DEFAULT {default}")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("_changeable")
def test_migrate_lets_the_feed_follow_to_another_server() -> None:
    """A dump keeps the positions, and the new server counts from the start."""
    make_account(balance=1)
    execute("UPDATE accounts_accountevent SET feed_position = feed_position + 5000000000")
    create_objects(connection)
    assert "moved to another server" in positions.need(connection)
    with pytest.raises(ImproperlyConfigured, match="moved to another server"):
        require_objects()
    positions.after_migrate(using="default")
    assert positions.need(connection) == ""
    require_objects()
    settled_moment()
    old = told()
    assert len(old) == 2
    later = make_account(balance=1)
    settled_moment()
    now = told()
    assert now[:2] == old
    assert now[3] == Transaction.objects.get(credit_account=later).id
    assert positions.need(connection) == ""


@pytest.mark.usefixtures("_changeable")
def test_cursors_last_on_another_server_or_are_lost() -> None:
    """Also those of readers that have read nothing yet."""
    make_account(balance=1)
    set_default(f"{positions._DEFAULT} + 5000000000")
    account = make_account(balance=1)
    for _ in range(9):
        execute("SELECT pg_current_xact_id()")  # Other databases of the server use up numbers.
    settled_moment()
    at_the_end = read(ChangeReader(), BEGINNING, 200).places
    assert at_the_end == newest_places()
    last = noted(account)
    settled_moment()
    lost = newest_places()
    # A dump from before the last change, on a server that counts from the start.
    execute(f"DELETE FROM accounts_accountevent WHERE id = '{last.id}'")
    set_default(positions._DEFAULT)
    create_objects(connection)
    positions.after_migrate(using="default")
    later = [noted(account).id for _ in range(3)]
    settled_moment()
    assert told(at_the_end) == later
    with pytest.raises(CursorLost):
        told(lost)


@pytest.mark.usefixtures("_changeable")
def test_rows_of_an_earlier_release_come_first() -> None:
    accounts = [make_account(balance=1) for _ in range(3)]
    for table in positions.TABLES:
        execute(f"UPDATE {table} SET feed_position = 0")
    create_objects(connection)
    make_account()
    settled_moment()
    page = read(ChangeReader(), BEGINNING, 4)
    assert [change.type for change in page.changes] == [
        "account.opened", "transaction.completed",
    ] * 2  # fmt: skip
    rest = told(page.places)
    assert len(rest) == 3
    assert rest[1] == Transaction.objects.get(credit_account=accounts[2]).id
    # A lost default is found, and put back.
    execute(f"ALTER TABLE {positions.JOURNAL} ALTER COLUMN {positions.COLUMN} SET DEFAULT 0")
    assert "lacks the positions" in positions.need(connection)
    positions.after_migrate(using="default")
    assert positions.need(connection) == ""
    # So is the rule of an earlier release.
    set_default("((pg_current_xact_id())::text)::bigint")
    assert "lacks the positions" in positions.need(connection)


def test_a_poll_reads_indexes_and_sorts_nothing() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # What an earlier test has left in the statistics must not count.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        places = [one for place in BEGINNING for one in (place.position, place.id, 51)]
        plans = [str(generic_plan_of(one)) for one in ((_NEXT, places), (_NEWEST, []))]
    for plan in plans:
        assert plan.count("_feed'") == 4
        assert "Sort" not in plan
        assert not re.search("'Seq Scan'[^{}]*'Relation Name': '(accounts|transactions)", plan)
