"""Reopen a recently closed account."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings

from accounts.commands.base import AccountCommand, read_locked
from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType, AccountStatus
from core.commands import Origin
from core.counts import count_of
from core.errors import InvalidTransition
from customers.commands.base import read_locked as read_locked_customer
from customers.commands.base import refuse_inactive


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccount(AccountCommand):
    """Makes a closed account active again, within BANK_REOPEN_DAYS of its closing.

    The account is empty, and keeps its former blocks. Raises InvalidTransition if it is not closed,
    was closed too long ago, or is that of a customer who is not active.
    """

    verb: ClassVar[str] = "reopen account"
    event: ClassVar[AccountEventType] = AccountEventType.REOPENED
    columns: ClassVar[tuple[str, ...]] = ("status",)

    def change(self, account: Account) -> None:
        if not account.is_closed:
            raise InvalidTransition(f"Account {account.number} is not closed.")
        account.status = AccountStatus.ACTIVE

    def apply(self, origin: Origin, now: datetime) -> Account:
        account = read_locked(self.account_id)
        if account.is_closed:
            _refuse_late(account, now)
            if account.customer_id is not None:
                # Locked, so that nobody closes the customer meanwhile.
                refuse_inactive(read_locked_customer(account.customer_id))
        return self.set_on(account, origin, now)


def is_too_late(account: Account, now: datetime) -> bool:
    """Whether the account was closed too long before this moment. One statement."""
    closings = AccountEvent.objects.filter(account=account, event=AccountEventType.CLOSED)
    closed_at = closings.order_by("-id").values_list("at", flat=True).first()
    days = settings.BANK_REOPEN_DAYS
    return closed_at is None or not days or now - closed_at > timedelta(days=days)


def _refuse_late(account: Account, now: datetime) -> None:
    """Raises InvalidTransition if the account was closed too long before this moment."""
    if is_too_late(account, now):
        days = settings.BANK_REOPEN_DAYS
        period = count_of(days, "day")
        raise InvalidTransition(
            f"Account {account.number} can be reopened only within {period} of closing."
        )
