"""The one place that locks accounts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Account
from accounts.states import AccountStatus
from core import bulkhead
from core.bulk import array, prepared_cursor
from core.bulkhead import STUCK_SECONDS
from core.errors import NotFound
from core.money import to_units


@dataclass(slots=True)
class LockedAccount:
    """What is known of a customer account under its lock. Amounts are in 1/10,000 of the main unit.

    `post` moves it in memory, entry by entry; the ledger writes where it ended.
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

    @classmethod
    def of(cls, account: Account) -> "LockedAccount":
        """The state of an account that this transaction has locked or made."""
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
        )

    @property
    def is_closed(self) -> bool:
        return self.status == AccountStatus.CLOSED

    @property
    def available(self) -> int:
        return self.balance + self.overdraft_limit

    def post(self, change: int, at: datetime) -> None:
        """Takes the next sequence for an entry that changes the balance by `change`, at `at`."""
        assert self.last_posted_at is None or at >= self.last_posted_at
        self.balance += change
        self.last_sequence += 1
        self.last_posted_at = at


_READ = """
    SELECT id, currency, status, debits_blocked, credits_blocked, balance, overdraft_limit,
        last_sequence, last_posted_at, owner_id
    FROM accounts_account
    WHERE kind = 'CUSTOMER' AND id"""
_LOCK_POSTGRESQL = _READ + " = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# PostgreSQL reads lock_timeout when a wait begins. Set in the same statement, it costs none more.
_LOCK_SOON = _LOCK_POSTGRESQL.replace(
    " ORDER BY",
    f" AND set_config('lock_timeout', '{STUCK_SECONDS * 1000:.0f}ms', true) <> '' ORDER BY",
)
_LOCK_SQLITE = _READ + " IN (SELECT value FROM json_each(%s)) ORDER BY id"  # noqa: S608


def lock_accounts(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """Locks these customer accounts until the transaction ends, and reads what the lock protects.

    One query in the order of the primary key, so that no two callers can wait for each other; NO
    KEY UPDATE, so that inserts which refer to an account need not wait. On SQLite the lock is BEGIN
    IMMEDIATE: the whole database has one writer.

    In a web process not every thread may wait (`core.bulkhead`). Raises Busy where one waits
    already for the same account, and NotFound if an account does not exist or is not a customer's.
    Must run inside a transaction.
    """
    assert connection.in_atomic_block
    wanted = set(account_ids)
    if not wanted:
        return {}
    with prepared_cursor() as cursor:
        if connection.vendor == "postgresql":
            has_place = bulkhead.enter(wanted)
            cursor.execute(_LOCK_POSTGRESQL if has_place else _LOCK_SOON, [array(wanted)])
            bulkhead.leave()
            rows = cursor.fetchall()
        else:
            cursor.execute(_LOCK_SQLITE, [json.dumps([one.hex for one in wanted])])
            rows = [_from_sqlite(*row) for row in cursor.fetchall()]
    locked = {row[0]: LockedAccount(*row) for row in rows}
    if len(locked) < len(wanted):
        missing = min(wanted - locked.keys())
        raise NotFound(f"There is no account {missing}.")
    return locked


def _from_sqlite(pk: str, currency: str, status: str, *rest: Any) -> tuple[Any, ...]:
    *flags_and_amounts, posted_at, owner_id = rest
    return (
        UUID(pk),
        currency,
        status,
        *flags_and_amounts,
        posted_at and posted_at.replace(tzinfo=UTC),
        owner_id,
    )
