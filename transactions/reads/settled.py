"""Moments before which nothing more can be posted, so that answers about them stay true.

A posting gets its moment under the locks of its accounts, and becomes visible at commit. In between
it is under way: a balance read then, at a later moment, would still change.
"""

import time
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.db import connection

from accounts.locks import settled_account
from core import clock
from core.contention import retrying
from core.errors import Busy, FieldError, InvalidInput
from core.sql.cursors import prepared_cursor
from transactions.reads.balances import HasSequences

# A posting transaction gets its database id before its moment. So any that had a moment when this
# statement began has a lower id than this statement gets.
_BEGIN = "SELECT statement_timestamp(), pg_current_xact_id()::text::bigint"
# All transactions with lower ids have ended.
_OLDEST = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_LOOK_SECONDS = 0.005


class HasPostings(HasSequences, Protocol):
    """As HasSequences, with the moment of the last posting."""

    @property
    def last_posted_at(self) -> datetime | None: ...


def settled_at(account: HasPostings, at: datetime) -> HasSequences:
    """The account with all its entries until `at`: no more can come.

    `account` as read by the caller is enough for a moment up to its last posting. For a later one
    this waits for the account's lock, shared. Raises InvalidInput if `at` is in the future by the
    bank's clock, Busy if the lock cannot be had.
    """
    if account.last_sequence is None:
        check_past(at, settled_moment())
    elif account.last_posted_at is None or at > account.last_posted_at:
        locked = settled_account(account.id)
        if locked.last_posted_at is None or at > locked.last_posted_at:
            assert locked.locked_at is not None
            check_past(at, locked.locked_at)
        return locked
    return account


def check_past(at: datetime, now: datetime) -> None:
    """Raises InvalidInput for a moment in the future, whose postings are unknown."""
    if at > now:
        raise InvalidInput(
            errors=[FieldError("at", "in_the_future", "The moment is in the future.")]
        )


def settled_moment() -> datetime:
    """A moment of the bank's clock until which nothing more can be posted to any account.

    For internal accounts, which are never locked. Waits for all transactions under way at the call,
    and blocks nobody. Raises Busy if that takes longer than the lock time-out. Do not call it
    inside a transaction.
    """
    if connection.vendor == "sqlite":
        return retrying(clock.now, keep=False)
    deadline = time.monotonic() + settings.LOCK_TIMEOUT_SECONDS
    moment, after_all = _row(_BEGIN)
    while _row(_OLDEST)[0] < after_all:
        if time.monotonic() > deadline:
            raise Busy("Postings are on their way. Nothing was done.")
        time.sleep(_LOOK_SECONDS)
    return clock.as_told(moment)


def _row(statement: str) -> tuple[Any, ...]:
    with prepared_cursor() as cursor:
        cursor.execute(statement)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
