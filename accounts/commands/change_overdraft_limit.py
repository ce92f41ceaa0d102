"""Change the overdraft limit of an account; a large one waits for a second person."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from accounts.commands.ask_second_person import ask_second_person
from accounts.commands.base import AccountCommand, read_locked, refuse_closed, snapshot
from accounts.commands.open import validate_overdraft_limit
from accounts.models import Account
from accounts.states import AccountEventType
from core.commands import Origin
from core.errors import LimitBelowUse
from core.four_eyes import is_large
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
        after = snapshot(account, self.columns)
        account.overdraft_limit = limit_before
        return ask_second_person(
            account,
            AccountEventType.OVERDRAFT_LIMIT_REQUESTED,
            origin,
            now,
            reason=self.reason,
            before=before,
            after=after,
            overdraft_limit=self.overdraft_limit,
        )
