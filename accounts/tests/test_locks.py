"""The locks of accounts. tests/test_concurrency.py has two real writers, with and without locks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import locks
from accounts.commands import ChangeOverdraftLimit
from accounts.locks import LockedAccount, lock_accounts, locked_moment
from accounts.models import CASH, Account, internal_account_id
from core import clock
from core.errors import NotFound
from core.identifiers import uuid7
from core.money import to_units
from tests.factories import make_account, run
from tests.test_concurrency import WAIT_SECONDS, in_thread, wait_until_blocked


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
    lock = " FOR NO KEY UPDATE\n    ) AS locked" if connection.vendor == "postgresql" else ""
    assert sql.endswith(f" ORDER BY id{lock}")
    assert list(locked) == sorted(backwards)


@pytest.mark.django_db
def test_what_the_lock_protects_is_read_under_it(accounts) -> None:
    account = accounts[2]
    run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(5)))
    Account.objects.filter(pk=account.id).update(debits_blocked=True)
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
    """PostgreSQL's BEGIN locks nothing. The test names it to show that SQLite's BEGIN does."""
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
    later, earlier = datetime(2026, 3, 2), datetime(2026, 3, 1)  # noqa: DTZ001
    account = LockedAccount(None, "USD", "ACTIVE", False, False, 0, 0, 1, later)
    with pytest.raises(AssertionError):
        account.post(5, earlier)
    assert (account.balance, account.last_sequence) == (0, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_the_moment_is_one_at_which_all_locks_were_held(keep: bool, count: int) -> None:
    """Also if the lock was waited for, and its holder changed the account or rolled back."""
    the_moment_is_under_all_locks([make_account(balance=5).id for _ in range(count)], keep=keep)


def the_moment_is_under_all_locks(account_ids: list[UUID], *, keep: bool) -> None:
    last = max(account_ids)

    def wait_and_lock() -> datetime | None:
        with transaction.atomic():
            return locked_moment(lock_accounts(account_ids))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_accounts([last])
            waiting = in_thread(pool, wait_and_lock)
            wait_until_blocked(1)
            Account.objects.filter(pk=last).update(name="Grace")
            released = clock.now()
            transaction.set_rollback(not keep)
        moment = waiting.result(WAIT_SECONDS)
    assert moment is not None
    assert moment > released


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_control_a_clock_in_the_list_of_the_lock_is_read_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = make_account(balance=5)
    listed = locks._READ.replace(" daily_count", " daily_count, clock_timestamp()")
    monkeypatch.setattr(
        locks, "_SELECT_FOR_UPDATE", f"{listed} = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
    )
    with pytest.raises(AssertionError, match=r"assert .* > "):
        the_moment_is_under_all_locks([account.id], keep=False)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_statement_is_what_django_writes_for_select_for_update() -> None:
    """It selects the same rows in the same order with the same lock. The clock stays outside."""
    account = make_account(balance=5)
    ids = [account.id]
    query = Account.objects.select_for_update(no_key=True).filter(kind="CUSTOMER", pk__in=ids)
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        (row,) = query.order_by("id").values_list(*LOCKED_COLUMNS)
        locked = lock_accounts(ids)[account.id]
    django, ours = (normalised(one["sql"]) for one in captured.captured_queries)
    assert django.endswith("order by 1 asc for no key update")  # 1 is the id, the first column
    assert ours.endswith("order by id for no key update ) as locked")
    values = dict(zip(LOCKED_COLUMNS, row, strict=True))
    amounts = {name: to_units(values.pop(name)) for name in ("balance", "overdraft_limit")}
    assert {name: getattr(locked, name) for name in LOCKED_COLUMNS} == values | amounts


LOCKED_COLUMNS = (
    "id", "currency", "status", "debits_blocked", "credits_blocked", "balance", "overdraft_limit",
    "last_sequence", "last_posted_at", "owner_id",
)  # fmt: skip


def normalised(statement: str) -> str:
    text = statement.replace('"accounts_account".', "").replace('"', "")
    return " ".join(text.lower().split())
