"""Moments before which nothing more can be posted, so that answers about them stay true.

A posting gets its moment under the locks of its accounts, and becomes visible at commit. In between
it is under way: a balance read then, at a later moment, would still change.
"""

from datetime import datetime
from typing import Protocol

from accounts.locks import settled_account
from core.errors import FieldError, InvalidInput
from core.settled import settled_moment
from transactions.reads.balances import HasSequences


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
