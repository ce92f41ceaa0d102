"""Change the overdraft limit of an account; a large one waits for a second person."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from accounts.commands.base import (
    AccountCommand,
    read_locked,
    record_event,
    refuse_closed,
    snapshot,
)
from accounts.commands.open import validate_overdraft_limit
from accounts.models import Account, LimitRequest
from accounts.states import AccountEventType, LimitRequestStatus
from core.commands import Origin
from core.errors import InvalidTransition, LimitBelowUse
from core.four_eyes import is_large
from core.identifiers import uuid7
from core.money import format_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOverdraftLimit(AccountCommand):
    """Sets how far below zero the balance may go, in main units of the account's currency.

    A raised limit at or above the currency's approval threshold is not set. The command stores it
    as a LimitRequest for a second person to decide, with its id in the result's `asked_limit_id`.

    Raises InvalidInput for a bad limit, AccountClosed, LimitBelowUse if the overdraft in use, open
    holds included, is above the new limit, and InvalidTransition if a second person is needed and
    the account already has a waiting request.
    """

    verb: ClassVar[str] = "change overdraft limit"
    event: ClassVar[AccountEventType] = AccountEventType.OVERDRAFT_LIMIT_CHANGED
    columns: ClassVar[tuple[str, ...]] = ("overdraft_limit",)

    overdraft_limit: Decimal

    def change(self, account: Account) -> None:
        validate_overdraft_limit(self.overdraft_limit, account.currency)
        refuse_closed(account)
        assert account.balance is not None
        if (used := account.held - account.balance) > self.overdraft_limit:
            shown = format_amount(used, account.currency)
            by_holds = ", open holds included" if account.held else ""
            raise LimitBelowUse(
                f"The account is overdrawn by {shown} {account.currency}{by_holds}."
            )
        account.overdraft_limit = self.overdraft_limit

    def apply(self, origin: Origin, now: datetime) -> Account:
        account = read_locked(self.account_id)
        is_higher = self.overdraft_limit > account.overdraft_limit
        if not (is_higher and is_large(self.overdraft_limit, account.currency)):
            return self.set_on(account, origin, now)
        limit_before, before = account.overdraft_limit, snapshot(account, self.columns)
        self.change(account)
        if waiting_request(account) is not None:
            raise InvalidTransition(
                "A request for another limit is waiting: reject that request first."
            )
        request = LimitRequest.objects.create(
            id=uuid7(now),
            account=account,
            overdraft_limit=self.overdraft_limit,
            limit_before=limit_before,
            reason=self.reason,
            requested_by_id=origin.user_id,
            created_at=now,
        )
        record_event(
            account,
            AccountEventType.OVERDRAFT_LIMIT_REQUESTED,
            origin,
            now,
            reason=request.reason,
            before=before,
            after=snapshot(account, self.columns),
        )
        account.overdraft_limit, account.asked_limit_id = limit_before, request.pk
        return account


def waiting_request(account: Account) -> LimitRequest | None:
    """The account's request that waits for a second person, or None. There is at most one."""
    waiting = LimitRequest.objects.filter(account=account, status=LimitRequestStatus.PENDING)
    return waiting.first()
