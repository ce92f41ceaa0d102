"""The one writer: inserts transactions and changes balances, whatever the length of the list.

One statement for the journal, one for the accounts; on PostgreSQL one for both if the rows are few.
Amounts are bound as the integers that the columns hold (1/10,000 of the main unit), and balances
are those computed under the lock: no SQL does arithmetic here.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from accounts.locks import LockedAccount
from accounts.models import Account
from core.failpoints import failpoint
from core.money import raw_units
from core.sql.bulk import BulkInsert, BulkInsertAndUpdate, BulkUpdate, array_of_ids, types_of
from core.sql.cursors import prepared_cursor, rows_of
from transactions.ledger.execution import Accounts
from transactions.ledger.journal import AMOUNTS, COLUMNS, JournalRow
from transactions.models import Transaction
from transactions.models.queries import DUE
from transactions.states import TransactionStatus

# The columns that a later attempt or decision changes. The lease ends with it.
_SETTLED = (
    "status", "debit_sequence", "debit_balance_after", "credit_sequence", "credit_balance_after",
    "failure_code", "failure_detail", "retry_count", "attempts", "scheduled_for",
    "approval_required", "worker", "approved_by_id", "updated_at", "completed_at",
)  # fmt: skip
# Those of them that change when a worker ends an attempt.
_FINISHED = (
    "status", "debit_sequence", "debit_balance_after", "credit_sequence", "credit_balance_after",
    "failure_code", "failure_detail", "updated_at", "completed_at",
)  # fmt: skip
# The columns, apart from the lease, that change when a worker starts a row.
_STARTED = ("status", "attempts", "worker", "updated_at")


_JOURNAL = Transaction._meta.db_table
_insert = BulkInsert(_JOURNAL, types_of(Transaction, COLUMNS))
_END_OF_LEASE = "lease_token = NULL, lease_expires_at = NULL"
_settle = BulkUpdate(_JOURNAL, types_of(Transaction, _SETTLED), always=_END_OF_LEASE)
_finish = BulkUpdate(_JOURNAL, types_of(Transaction, _FINISHED), always=_END_OF_LEASE)
_lease = BulkUpdate(_JOURNAL, types_of(Transaction, (*_STARTED, "lease_token", "lease_expires_at")))
_move = BulkUpdate(
    Account._meta.db_table,
    types_of(Account, ("balance", "last_sequence", "last_posted_at", "updated_at")),
    # The clock may have been set back since the account's last change.
    latest=("updated_at",),
)
_insert_and_move = BulkInsertAndUpdate(_insert, _move)

_HELD = (
    f"SELECT id FROM {_JOURNAL} WHERE id {{}} AND lease_token = %s"
    f" AND status = '{TransactionStatus.PROCESSING}'"
)
_IN_ORDER = "ORDER BY coalesce(scheduled_for, created_at), id FOR NO KEY UPDATE"
_LOCK_HELD = f"SELECT count(*) FROM ({_HELD.format('= ANY(%s::uuid[])')} {_IN_ORDER}) AS held"
_HELD_SQLITE = f"SELECT count(*) FROM ({_HELD.format('IN (SELECT value FROM json_each(%s))')})"

_STATUSES: dict[str, TransactionStatus] = {one.value: one for one in TransactionStatus}

_all_of = attrgetter(*COLUMNS)
_settled_of = attrgetter(*_SETTLED, "id")
_finished_of = attrgetter(*_FINISHED, "id")
_started_of = attrgetter(*_STARTED)


def write(rows: Sequence[JournalRow], accounts: Accounts) -> None:
    """Inserts the rows, and writes the new balances of the accounts they posted to.

    The caller's transaction must hold the locks of `accounts`.
    """
    assert connection.in_atomic_block
    are_few = len(rows) <= BulkInsertAndUpdate.MOST and connection.vendor == "postgresql"
    if are_few and (posted := _posted(rows, accounts)):
        _insert_and_move([*map(_all_of, rows)], _balances(posted))
    else:
        _insert(map(_all_of, rows))
        _write_balances(rows, accounts)


def stream(rows: Iterable[JournalRow], accounts: Accounts) -> None:
    """As `write`, for a long list whose rows are made one by one while the server inserts.

    An exception during the making of a row ends the statement; the caller must roll back the
    transaction.
    """
    written: list[JournalRow] = []

    def kept() -> Iterator[JournalRow]:
        for row in rows:
            written.append(row)
            yield row

    assert connection.in_atomic_block
    _insert(map(_all_of, kept()))
    _write_balances(written, accounts)


def _write_balances(rows: Sequence[JournalRow], accounts: Accounts) -> None:
    if rows:
        failpoint("write.journal")
        _update(_posted(rows, accounts))


def insert_pending(rows: Sequence[JournalRow]) -> None:
    """Inserts waiting rows, all or none: one statement, which is a transaction of its own."""
    assert all(row.status == TransactionStatus.PENDING for row in rows)
    # Without this SQLite commits each of several rows by itself.
    several = connection.vendor == "sqlite" and len(rows) > 1
    with transaction.atomic() if several else nullcontext():
        _insert(map(_all_of, rows))


def lease(rows: Sequence[JournalRow], token: UUID, until: datetime) -> None:
    """Marks rows, locked by this transaction, as started and leased by `token` until `until`."""
    assert connection.in_atomic_block
    if rows:
        _lease([(*_started_of(row), token, until, row.id) for row in rows])


def settle(rows: Sequence[JournalRow], accounts: Accounts) -> None:
    """As `write`, for existing rows that this transaction has locked: writes their outcomes."""
    assert connection.in_atomic_block
    if rows:
        _settle([_settled_of(row) for row in rows])
    _write_outcome(rows, accounts)


def finish(rows: Sequence[JournalRow], accounts: Accounts) -> None:
    """As `settle`, for rows that a worker has claimed, and only executed since."""
    assert connection.in_atomic_block
    if rows:
        _finish([_finished_of(row) for row in rows])
    _write_outcome(rows, accounts)


def _write_outcome(rows: Sequence[JournalRow], accounts: Accounts) -> None:
    if posted := _posted(rows, accounts):
        failpoint("settle.journal")
        _update(posted)


def lock_held(rows: Sequence[JournalRow], token: UUID) -> bool:
    """Locks those of the rows that `token` leases, in the order of the queue.

    Returns whether all of them are: then they are as their claim has left them, since nobody else
    changes a row while its lease lasts.
    """
    assert connection.in_atomic_block
    with prepared_cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_LOCK_HELD, [array_of_ids(row.id for row in rows), token])
        else:
            cursor.execute(_HELD_SQLITE, [json.dumps([row.id.hex for row in rows]), token.hex])
        return bool(cursor.fetchone()[0] == len(rows))


def lock_rows(
    condition: Q,
    *,
    due_until: datetime | None = None,
    limit: int | None = None,
    skip_locked: bool = False,
    nowait: bool = False,
) -> list[JournalRow]:
    """Locks stored transactions, and reads them under the lock, in the order of the queue.

    Lock order: rows first, then accounts, wherever both are locked.
    """
    assert connection.in_atomic_block
    stored = (
        Transaction.objects.select_for_update(
            no_key=True, of=("self",), skip_locked=skip_locked, nowait=nowait
        )
        .annotate(due=DUE)
        .filter(condition, *([] if due_until is None else [Q(due__lte=due_until)]))
        .order_by("due", "id")
        .values_list(
            *(raw_units(name) if name in AMOUNTS else name for name in COLUMNS),
            "archived_at",
            "batch__atomic",
        )
    )
    return [_as_row(*values) for values in rows_of(stored[:limit])]


def _as_row(*values: Any) -> JournalRow:
    *columns, archived_at, is_in_atomic_batch = values
    row = JournalRow(*columns)
    row.status = _STATUSES[row.status]
    row.is_final = archived_at is not None or bool(is_in_atomic_batch)
    return row


def _posted(rows: Iterable[JournalRow], accounts: Accounts) -> list[LockedAccount]:
    """The accounts changed by the rows."""
    changed = {
        account_id
        for row in rows
        if row.status == TransactionStatus.COMPLETED
        for account_id in (row.debit_account_id, row.credit_account_id)
    }
    return [accounts[account_id] for account_id in changed & accounts.keys()]


def _update(accounts: Collection[LockedAccount]) -> None:
    if accounts:
        _move(_balances(accounts))


def _balances(accounts: Iterable[LockedAccount]) -> list[tuple[Any, ...]]:
    """What `_move` takes."""
    return [
        (one.balance, one.last_sequence, one.last_posted_at, one.last_posted_at, one.id)
        for one in accounts
    ]
