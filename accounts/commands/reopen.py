"""Reopen a recently closed account."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.utils import timezone

from accounts.commands.base import AccountCommand
from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType, AccountStatus
from core.errors import InvalidTransition


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccount(AccountCommand):
    """CLOSED -> ACTIVE, within BANK_REOPEN_DAYS of closing: empty, with its former blocks.

    Raises InvalidTransition if the account is not closed, or was closed earlier.
    """

    verb: ClassVar[str] = "reopen account"
    event: ClassVar[AccountEventType] = AccountEventType.REOPENED
    columns: ClassVar[tuple[str, ...]] = ("status",)

    def change(self, account: Account) -> None:
        if not account.is_closed:
            raise InvalidTransition(f"Account {account.number} is not closed.")
        closings = AccountEvent.objects.filter(account=account, event=AccountEventType.CLOSED)
        closed_at = closings.order_by("-id").values_list("at", flat=True).first()
        days = settings.BANK_REOPEN_DAYS
        if closed_at is None or timezone.now() - closed_at > timedelta(days=days):
            raise InvalidTransition(
                f"Account {account.number} can be reopened within {days} days of its closing only."
            )
        account.status = AccountStatus.ACTIVE
