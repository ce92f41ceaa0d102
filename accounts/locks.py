"""The one place that locks accounts."""

import json
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Account
from accounts.states import AccountStatus
from core import bulkhead, clock
from core.bulkhead import STUCK_SECONDS
from core.contention import GROUP_SECONDS, retrying
from core.errors import NotFound
from core.metrics.instruments import LOCK_SECONDS
from core.money import to_units
from core.sql.bulk import array_of_ids
from core.sql.cursors import prepared_rows

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class LockedAccount:
    """The state of a locked customer account. Amounts are in 1/10,000 of the main unit.

    `post` applies entries in memory; the ledger writes the final balance. `locked_at` is a moment
    of the bank's clock at which the lock was held; None for an account opened in this database
    transaction.
    """

    id: UUID
    currency: str
    status: str
    debits_blocked: bool
    credits_blocked: bool
    balance: int
    overdraft_limit: int
    last_sequence: int
    last_posted_at: datetime | None
    owner_id: int | None = None
    debits_held: bool = False
    held: int = 0
    # The limits of payments; None is no limit.
    max_amount: int | None = None
    daily_amount: int | None = None
    daily_count: int | None = None
    locked_at: datetime | None = field(default=None, compare=False)
    is_closed: bool = field(init=False, compare=False)
    # The earliest moment of the next entry. It is later than the last entry of any other database
    # transaction, so a balance once reported for a moment never changes.
    not_before: datetime | None = field(init=False, compare=False)
    has_limits: bool = field(init=False, compare=False)
    # What was paid on the bank's day, and when that ends: see transactions.ledger.spending.
    spent: int = field(default=0, init=False, compare=False)
    payments: int = field(default=0, init=False, compare=False)
    free_at: datetime | None = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        self.not_before = self.last_posted_at and self.last_posted_at + _TICK
        self.is_closed = self.status == AccountStatus.CLOSED
        self.has_limits = self.max_amount is not None or self.has_daily_limits

    @classmethod
    def of(cls, account: Account) -> "LockedAccount":
        """The state of an account that this database transaction has locked or opened."""
        assert account.balance is not None
        assert account.last_sequence is not None
        return cls(
            id=account.id,
            currency=account.currency,
            status=account.status,
            debits_blocked=account.debits_blocked,
            credits_blocked=account.credits_blocked,
            balance=to_units(account.balance),
            overdraft_limit=to_units(account.overdraft_limit),
            last_sequence=account.last_sequence,
            last_posted_at=account.last_posted_at,
            owner_id=account.owner_id,
            debits_held=account.debits_held,
            held=to_units(account.held),
            max_amount=None if account.max_amount is None else to_units(account.max_amount),
            daily_amount=None if account.daily_amount is None else to_units(account.daily_amount),
            daily_count=account.daily_count,
        )

    @property
    def available(self) -> int:
        return self.balance + self.overdraft_limit - self.held

    @property
    def has_daily_limits(self) -> bool:
        return self.daily_amount is not None or self.daily_count is not None

    def pay(self, amount: int, at: datetime) -> None:
        """Posts a payment, which counts against the limits."""
        self.post(-amount, at)
        self.spent += amount
        self.payments += 1

    def post(self, change: int, at: datetime) -> None:
        """Takes the next sequence number for an entry of `change` at the moment `at`."""
        assert self.not_before is None or at >= self.not_before
        self.balance += change
        self.last_sequence += 1
        self.last_posted_at = self.not_before = at


# `Account.objects.select_for_update(no_key=True)` ordered by id, as constant SQL: prepared and read
# in binary, it takes half the time that Django needs to build the query. A test compares the two.
_READ = """
    SELECT id, currency, status, debits_blocked, credits_blocked, balance, overdraft_limit,
        last_sequence, last_posted_at, owner_id, debits_held, held,
        max_amount, daily_amount, daily_count
    FROM accounts_account
    WHERE kind = 'CUSTOMER' AND id"""
# The outer query reads the clock: PostgreSQL evaluates a select list before it waits for the row.
_LOCKED = f"""
    SELECT locked.*, clock_timestamp() FROM (
        {_READ} = ANY(%s::uuid[]) ORDER BY id FOR {{}}
    ) AS locked"""  # noqa: S608 - by code
_SELECT_FOR_UPDATE = _LOCKED.format("NO KEY UPDATE")
_SELECT_FOR_SHARE = _LOCKED.format("SHARE")
# PostgreSQL reads lock_timeout when a wait begins, so the same statement can set it.
_WITHIN = " AND set_config('lock_timeout', '{:.0f}ms', true) <> '' ORDER BY"
_SOON = _WITHIN.format(STUCK_SECONDS * 1000)
_SELECT_FOR_GROUP = _SELECT_FOR_UPDATE.replace(" ORDER BY", _WITHIN.format(GROUP_SECONDS * 1000))
_LOCK_SQLITE = _READ + " IN (SELECT value FROM json_each(%s)) ORDER BY id"  # noqa: S608


def lock_accounts(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """Locks these customer accounts until the database transaction ends, and reads their state.

    One query locks in primary-key order, so two callers cannot deadlock. The lock is NO KEY UPDATE,
    so inserts that refer to an account need not wait. On SQLite the lock is BEGIN IMMEDIATE: the
    whole database has one writer. `locked_moment` returns a moment at which all locks were held.

    In a web process not every thread may wait (`core.bulkhead`). Raises Busy if another thread is
    stuck on the same account, and NotFound if an account does not exist or is not a customer's.
    Must run inside a database transaction.
    """
    return _lock(account_ids, _SELECT_FOR_UPDATE)


def lock_accounts_of_group(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """As `lock_accounts`, for the commands of several callers; waits GROUP_SECONDS for each lock.

    Leaves out accounts that do not exist: see `require_all`. The wait does not count in the
    bulkhead, because one stuck account would then make its neighbours busy.
    """
    return _lock(account_ids, _SELECT_FOR_GROUP, in_group=True)


def lock_if_free(account_id: UUID) -> bool:
    """Locks the account as `lock_accounts` does if nobody else has it; returns whether it did.

    Never waits. `lock_accounts` then reads it without a wait. False also for an account that does
    not exist. On SQLite the database transaction has the lock already.
    """
    assert connection.in_atomic_block
    free = Account.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=account_id)
    return bool(free.order_by().values_list("pk", flat=True)[:1])


def require_all(wanted: Set[UUID], locked: Mapping[UUID, LockedAccount]) -> None:
    """Raises NotFound unless all of these accounts are locked."""
    if missing := wanted - locked.keys():
        raise NotFound(f"There is no account {min(missing)}.")


def locked_moment(accounts: Mapping[UUID, LockedAccount]) -> datetime | None:
    """A moment of the bank's clock at which all of these locks were held; None without any."""
    return max((one.locked_at for one in accounts.values() if one.locked_at), default=None)


def settled_account(account_id: UUID) -> LockedAccount:
    """The account after all postings up to `locked_at`: no earlier entry can still appear.

    Waits for the account's lock, shared with other readers, and releases it at once. Writes
    nothing. Raises NotFound, and Busy if it cannot get the lock. Must not run inside a database
    transaction.
    """
    locked = retrying(lambda: _lock([account_id], _SELECT_FOR_SHARE), keep=False)
    return locked[account_id]


def _lock(
    account_ids: Iterable[UUID], statement: str, *, in_group: bool = False
) -> dict[UUID, LockedAccount]:
    assert connection.in_atomic_block
    wanted = set(account_ids)
    if not wanted:
        return {}
    if connection.vendor == "postgresql":
        if not in_group and not bulkhead.enter(wanted):
            statement = statement.replace(" ORDER BY", _SOON)
        began = time.perf_counter()
        found = prepared_rows(statement, [array_of_ids(wanted)])
        LOCK_SECONDS.observe(time.perf_counter() - began)
        bulkhead.leave()
        # Rows arrive in the order of locking, so at the moment in the last row all were locked.
        now = clock.as_told(found[-1][-1]) if found else None
        rows = [(*row[:-1], now) for row in found]
    else:
        found = prepared_rows(_LOCK_SQLITE, [json.dumps([one.hex for one in wanted])])
        now = clock.now()
        rows = [(*_from_sqlite(*row), now) for row in found]
    locked = {row[0]: LockedAccount(*row) for row in rows}
    if not in_group:
        require_all(wanted, locked)
    return locked


def _from_sqlite(pk: str, currency: str, status: str, *rest: Any) -> tuple[Any, ...]:
    *flags_and_amounts, posted_at, owner_id = rest[:-5]
    return (
        UUID(pk),
        currency,
        status,
        *flags_and_amounts,
        posted_at and posted_at.replace(tzinfo=UTC),
        owner_id,
        *rest[-5:],
    )
