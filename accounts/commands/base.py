"""Base of all commands on one account: a locked row, a change, and its event."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.db.models import OuterRef, Subquery

from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType
from core.commands import Command, Origin
from core.errors import AccountClosed
from core.identifiers import uuid7
from core.money import format_amount


class AccountRun(Protocol):
    """The part of `transactions.ledger.run.Run` that an account command needs.

    `change` calls a function that may read and write the database, after the earlier commands of
    the list. It passes the function's account on to the later commands.
    """

    def refuse_pending(self, account_id: UUID) -> None: ...

    def change(self, apply: Callable[[Origin, datetime], Account]) -> Account: ...


_FREE_TEXTS = ("name", "metadata")
# Added to the last change of an account, so that the times of its events always increase.
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCommand(Command[Account]):
    """A change to one account that moves no money. `reason` is kept in the AccountEvent."""

    event: ClassVar[AccountEventType]
    # The columns that `change` writes; the event shows them before and after.
    columns: ClassVar[tuple[str, ...]]
    # Whether the command is refused while the account has pending transactions.
    refused_while_pending: ClassVar[bool] = False

    account_id: UUID
    reason: str = ""

    def account_ids(self) -> tuple[UUID, ...]:
        return (self.account_id,)

    def change(self, account: Account) -> None:
        """Checks and changes the account in memory. Raises a BankError to refuse."""
        raise NotImplementedError

    def execute(self, run: AccountRun) -> Account:
        if self.refused_while_pending:
            run.refuse_pending(self.account_id)
        return run.change(self.apply)

    def apply(self, origin: Origin, now: datetime) -> Account:
        """Reads and changes the locked account, and records the event.

        `now` is a moment of the bank's clock under that lock.
        """
        return self.set_on(read_locked(self.account_id), origin, now)

    def set_on(self, account: Account, origin: Origin, now: datetime) -> Account:
        """Changes an account that was read under its lock, and records the event."""
        before = snapshot(account, self.columns)
        self.change(account)
        account.updated_at = max(now, account.updated_at + _TICK)
        # Writes the event first, because guards check the change against it.
        record_event(
            account,
            self.event,
            origin,
            account.updated_at,
            reason=self.reason,
            before=before,
            after=snapshot(account, self.columns),
        )
        account.save(update_fields=[*self.columns, "updated_at"])
        return account


def read_locked(account_id: UUID) -> Account:
    """The account as `set_on` takes it, read under the account's lock. One statement."""
    accounts = Account.objects.annotate(newest_event_at=newest_event_at("pk"))
    account = accounts.get(pk=account_id)
    put_after(account, account.newest_event_at)
    return account


def newest_event_at(account_id: str) -> Subquery:
    """A subquery: the moment of an account's newest event. `account_id` is an outer column."""
    events = AccountEvent.objects.filter(account=OuterRef(account_id)).order_by("-id")
    return Subquery(events.values("at")[:1])


def put_after(account: Account, newest_event_at: datetime | None) -> None:
    """Moves `updated_at` up to the newest event, in memory, so that the next event is later.

    Release 1.0.0 reads the clock twice, and so dates an event later than its change.
    """
    if newest_event_at is not None:
        account.updated_at = max(account.updated_at, newest_event_at)


def refuse_closed(account: Account) -> None:
    """Raises AccountClosed for a closed account, which cannot change any more."""
    if account.is_closed:
        raise AccountClosed(f"Account {account.number} is closed.")


def snapshot(account: Account, columns: tuple[str, ...]) -> dict[str, Any]:
    """The columns in the form of an event: amounts in the currency's digits, ids as text.

    An event of a customer's account leaves out free texts: they may say who the customer is, and
    an event cannot be forgotten.
    """
    values: dict[str, Any] = {}
    for column in columns:
        if column in _FREE_TEXTS and account.customer_id is not None:
            continue
        value = getattr(account, column)
        if isinstance(value, Decimal):
            value = format_amount(value, account.currency)
        elif isinstance(value, UUID):
            value = str(value)
        values[column] = value
    return values


def record_event(
    account: Account,
    event: AccountEventType,
    origin: Origin,
    now: datetime,
    *,
    reason: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> AccountEvent:
    """Writes the event in the caller's database transaction."""
    return AccountEvent.objects.create(
        id=uuid7(now),
        account=account,
        event=event,
        actor_id=origin.user_id,
        caller=origin.caller,
        reason=reason,
        before=before,
        after=after,
        request_id=origin.request_id,
        address=origin.address,
        at=now,
    )
