"""What is locked and how. Two real writers, and what happens without: tests/test_concurrency.py."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.locks import LockedAccount, lock_accounts
from accounts.models import CASH, Account, internal_account_id
from core.errors import NotFound
from core.identifiers import uuid7
from tests.factories import make_account


@pytest.fixture
def accounts() -> list[Account]:
    return [make_account(balance=index + 1) for index in range(3)]


@pytest.mark.django_db
def test_all_accounts_are_locked_by_one_query_in_the_order_of_the_key(accounts) -> None:
    backwards = [account.id for account in reversed(accounts)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        locked = lock_accounts([*backwards, backwards[0]])
    assert len(queries) == 1
    sql = queries[0]["sql"]
    lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    assert sql.endswith(f" ORDER BY id{lock}")
    assert list(locked) == sorted(backwards)


@pytest.mark.django_db
def test_what_the_lock_protects_is_read_under_it(accounts) -> None:
    account = accounts[2]
    Account.objects.filter(pk=account.id).update(debits_blocked=True, overdraft_limit=5)
    locked = lock_accounts([account.id])[account.id]
    assert locked == LockedAccount(
        id=account.id,
        currency="USD",
        status="ACTIVE",
        debits_blocked=True,
        credits_blocked=False,
        balance=30_000,
        overdraft_limit=50_000,
        last_sequence=1,
        last_posted_at=account.last_posted_at,
    )
    assert locked == LockedAccount.of(Account.objects.get(pk=account.id))
    assert locked.available == 80_000


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_the_lock_is_taken_as_the_transaction_begins() -> None:
    """PostgreSQL's BEGIN locks nothing. It is named here to see that SQLite's does more."""
    account = make_account()
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        lock_accounts([account.id])
    begin = "BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN"
    assert queries[0]["sql"] == begin
    assert len(queries) == 3


@pytest.mark.django_db
def test_an_unknown_account_is_not_found_and_named(accounts) -> None:
    first, second = sorted(uuid7(account.created_at) for account in accounts[:2])
    with pytest.raises(NotFound) as caught:
        lock_accounts([second, accounts[0].id, first])
    assert caught.value.detail == f"There is no account {first}."


@pytest.mark.django_db
def test_an_internal_account_is_never_locked(accounts) -> None:
    cash = internal_account_id(CASH, "USD")
    assert Account.objects.filter(pk=cash).exists()
    with pytest.raises(NotFound, match=str(cash)):
        lock_accounts([accounts[0].id, cash])


@pytest.mark.django_db
def test_nothing_to_lock_asks_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert lock_accounts([]) == {}
    assert len(queries) == 0


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_would_protect_nothing() -> None:
    account = make_account()
    with pytest.raises(AssertionError):
        lock_accounts([account.id])


def test_time_never_runs_backwards_within_an_account() -> None:
    later, earlier = "2026-03-02", "2026-03-01"
    account = LockedAccount(None, "USD", "ACTIVE", False, False, 0, 0, 1, later)
    with pytest.raises(AssertionError):
        account.post(5, earlier)
    assert (account.balance, account.last_sequence) == (0, 1)
