"""The database itself protects accounts and their events, by whatever route they are changed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.commands import ChangeOverdraftLimit, CloseAccount, ReopenAccount
from accounts.commands.base import record_event
from accounts.commands.decide_limit import ApproveLimit
from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType
from core.commands import Origin
from core.database import create_objects, drop_objects
from core.identifiers import uuid7
from tests.api import make_user
from tests.assertions import refused_by_database
from tests.factories import ORIGIN, make_account, run
from tests.routes import DELETE_ROUTES, UPDATE_ROUTES

pytestmark = pytest.mark.django_db

# REPLACE deletes and inserts, and an upsert inserts first, so other guards may refuse before.
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def bare_account(**columns: Any) -> Account:
    """An account without events, so that only the guard prevents its deletion."""
    now = timezone.now()
    values = {"id": uuid4(), "number": "1", "currency": "USD", "created_at": now, "updated_at": now}
    return Account.objects.create(**values | columns)


@pytest.fixture
def event() -> AccountEvent:
    return make_account(name="Ada").events.get()


@pytest.mark.parametrize("route", DELETE_ROUTES)
def test_accounts_are_never_deleted(route: str) -> None:
    account = bare_account()
    with refused_by_database("accounts are never deleted"):
        DELETE_ROUTES[route](account)


@pytest.mark.parametrize("route", DELETE_ROUTES)
def test_account_events_are_never_deleted(route: str, event: AccountEvent) -> None:
    with refused_by_database("account events are never deleted"):
        DELETE_ROUTES[route](event)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_account_events_never_change(route: str, event: AccountEvent) -> None:
    with refused_by_database(r"account events (never change|are never deleted)"):
        UPDATE_ROUTES[route](event, "reason", "another one")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event", "CLOSED"),
        ("caller", "user:8"),
        ("before", {"name": "Grace"}),
        ("after", {}),
        ("request_id", "r-2"),
        ("address", None),
        ("at", LONG_AGO),
        # The present value: even an UPDATE that changes nothing is refused.
        ("reason", ""),
    ],
)
def test_no_column_of_an_account_event_changes(name: str, value: Any, event: AccountEvent) -> None:
    with refused_by_database("account events never change"):
        UPDATE_ROUTES["SQL"](event, name, value)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_an_account_keeps_its_number(route: str) -> None:
    account = make_account(balance=7)
    with refused_by_database(r"keeps its number|accounts are never deleted|born empty"):
        UPDATE_ROUTES[route](account, "number", "100000000072")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", uuid4()),
        ("kind", "INTERNAL"),
        ("code", "FEES"),
        ("currency", "EUR"),
        ("idempotency_caller", None),
        ("idempotency_key", "k-2"),
        ("request_fingerprint", "f" * 64),
        ("request_fingerprint", ""),
        ("created_at", LONG_AGO),
    ],
)
def test_an_account_keeps_its_identity(name: str, value: Any) -> None:
    account = make_account(balance=7, idempotency_key="k-1", request_fingerprint="a" * 64)
    with refused_by_database("an account keeps its number, kind, code and currency"):
        UPDATE_ROUTES["SQL"](account, name, value)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_a_balance_does_not_move_by_itself(route: str) -> None:
    account = make_account(balance=7)
    with refused_by_database(r"changes only by posting|accounts are never deleted|born empty"):
        UPDATE_ROUTES[route](account, "balance", 1_000_000)


def test_the_count_of_entries_never_falls() -> None:
    account = make_account(balance=7)
    with refused_by_database("changes only by posting"):
        UPDATE_ROUTES["SQL"](account, "last_sequence", 0)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_a_closed_account_stays_closed(route: str) -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    account.refresh_from_db()
    with refused_by_database(r"a closed account stays closed|accounts are never deleted"):
        UPDATE_ROUTES[route](account, "status", "ACTIVE")


def test_an_event_reopens_an_account_once() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    run(ReopenAccount(account_id=account.id))
    run(CloseAccount(account_id=account.id))
    with refused_by_database("a closed account stays closed"):
        Account.objects.update(status="ACTIVE")


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_an_account_keeps_its_owner(route: str) -> None:
    account, mallory = make_account(), make_user("mallory")
    with refused_by_database(r"an account keeps its owner|accounts are never deleted"):
        UPDATE_ROUTES[route](account, "owner_id", mallory.pk)


def update_to_the_end(route: str, account: Account, limit: Decimal) -> None:
    """Updates the limit and runs the checks that PostgreSQL defers to the commit."""
    UPDATE_ROUTES[route](account, "overdraft_limit", limit)
    connection.check_constraints()


@pytest.mark.parametrize("route", UPDATE_ROUTES)
@pytest.mark.parametrize("limit", [0, 5, 1_000_000])
def test_a_limit_does_not_change_without_its_event(route: str, limit: int) -> None:
    account = make_account(overdraft_limit=Decimal(20))
    run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(7)))
    account.refresh_from_db()
    with refused_by_database(r"changes only with its event|accounts are never deleted"):
        update_to_the_end(route, account, Decimal(limit))


@pytest.mark.postgresql
def test_the_event_may_come_after_the_limit() -> None:
    """The previous release writes them in this order."""
    account = make_account()
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(overdraft_limit=Decimal("7.25"))
        record_event(
            account,
            AccountEventType.OVERDRAFT_LIMIT_CHANGED,
            ORIGIN,
            timezone.now(),
            reason="",
            before={"overdraft_limit": "0.00"},
            after={"overdraft_limit": "7.25"},
        )
    connection.check_constraints()


def dated_late(account: Account) -> None:
    """Dates the newest event after the change, as release 1.0.0 does: it reads the clock twice."""
    drop_objects(connection, kinds=("trigger",))
    newest = account.events.order_by("-id").first()
    assert newest is not None
    late = Account.objects.get(pk=account.pk).updated_at + timedelta(seconds=2)
    AccountEvent.objects.filter(pk=newest.pk).update(id=uuid7(late), at=late)
    create_objects(connection)


@pytest.mark.parametrize("approved", [False, True])
def test_a_limit_changes_after_an_event_that_is_dated_late(approved: bool, settings: Any) -> None:
    account = make_account()
    run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(7)))
    dated_late(account)
    change = ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(9))
    if approved:
        settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
        request_id = run(change).asked_limit_id
        checker = Origin(user_id=make_user("checker").pk, caller="user:checker")
        run(ApproveLimit(account_id=account.id, request_id=request_id), checker)
    else:
        run(change)
    connection.check_constraints()
    account.refresh_from_db()
    assert account.overdraft_limit == 9


def test_an_account_is_reopened_after_a_closing_that_is_dated_late() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    dated_late(account)
    assert run(ReopenAccount(account_id=account.id)).status == "ACTIVE"


@pytest.mark.parametrize("limit", ["99999999999.99", "0.01", "12345678901.23", "0"])
def test_every_limit_can_be_told_by_its_event(limit: str) -> None:
    account = make_account(overdraft_limit=Decimal("1.5"))
    for wanted in (limit, "3.33", limit):
        run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(wanted)))
    connection.check_constraints()
    account.refresh_from_db()
    assert account.overdraft_limit == Decimal(limit)


@pytest.mark.parametrize("bulk", [False, True])
def test_an_account_is_born_empty(bulk: bool) -> None:
    """Otherwise inserting an account could create money."""
    now = timezone.now()
    rich = {"balance": 1_000_000, "last_sequence": 1, "last_posted_at": now}
    with refused_by_database("an account is born empty"):
        if bulk:
            number = {"number": "2", "currency": "USD", "created_at": now, "updated_at": now}
            Account.objects.bulk_create([Account(id=uuid4(), **number, **rich)])
        else:
            bare_account(**rich)
    assert Account.objects.count() == 0


def test_the_name_of_an_account_may_change() -> None:
    account = bare_account()
    for route in UPDATE_ROUTES:
        if "REPLACE" in route and route != "UPDATE OR REPLACE":
            continue  # These delete the row and insert another one.
        UPDATE_ROUTES[route](account, "name", route)
        assert Account.objects.get().name == route
