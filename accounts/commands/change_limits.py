"""Change the limits of an account's payments; much larger ones wait for a second person."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings

from accounts.commands.ask_second_person import ask_second_person
from accounts.commands.base import AccountCommand, read_locked, refuse_closed, snapshot
from accounts.models import Account
from accounts.states import AccountEventType
from core.commands import Origin
from core.errors import FieldError, InvalidInput
from core.four_eyes import is_large
from core.money import validate_amount

MAX_DAILY_COUNT = 1_000_000
LIMITS = ("max_amount", "daily_amount", "daily_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLimits(AccountCommand):
    """Sets all three limits of an account's payments, in main units of its currency.

    None is no limit, and zero lets nothing through. Lower limits apply at once. A limit that is
    raised to the currency's approval threshold or above, or removed where there is a threshold, is
    not set: a LimitRequest waits for a second person, its id in the result's `asked_limit_id`.

    Raises InvalidInput for a bad limit, AccountClosed, and InvalidTransition if a second person is
    needed and the account already has a waiting request.
    """

    verb: ClassVar[str] = "change limits"
    event: ClassVar[AccountEventType] = AccountEventType.LIMITS_CHANGED
    columns: ClassVar[tuple[str, ...]] = LIMITS

    max_amount: Decimal | None
    daily_amount: Decimal | None
    daily_count: int | None

    def change(self, account: Account) -> None:
        self._validate(account.currency)
        refuse_closed(account)
        for name in LIMITS:
            setattr(account, name, getattr(self, name))

    def apply(self, origin: Origin, now: datetime) -> Account:
        account = read_locked(self.account_id)
        if not self._needs_second_person(account):
            return self.set_on(account, origin, now)
        before = snapshot(account, LIMITS)
        kept = {name: getattr(account, name) for name in LIMITS}
        self.change(account)
        after = snapshot(account, LIMITS)
        for name, value in kept.items():
            setattr(account, name, value)
        return ask_second_person(
            account,
            AccountEventType.LIMITS_REQUESTED,
            origin,
            now,
            reason=self.reason,
            before=before,
            after=after,
            limits={"before": before, "after": after},
        )

    def _needs_second_person(self, account: Account) -> bool:
        if account.currency not in settings.BANK_APPROVAL_THRESHOLDS:
            return False
        for name in LIMITS:
            before, after = getattr(account, name), getattr(self, name)
            if before is None or (after is not None and after <= before):
                continue
            if after is None or name == "daily_count" or is_large(after, account.currency):
                return True
        return False

    def _validate(self, currency: str) -> None:
        for name in ("max_amount", "daily_amount"):
            value = getattr(self, name)
            if value is not None:
                validate_amount(value, currency, pointer=f"/{name}", allow_zero=True)
        if self.daily_count is not None and not 0 <= self.daily_count <= MAX_DAILY_COUNT:
            detail = f"A number from 0 to {MAX_DAILY_COUNT}."
            raise InvalidInput(errors=[FieldError("/daily_count", "invalid", detail)])


def wanted_limits(told: dict[str, Any]) -> dict[str, Any]:
    """The limits of a request, as ChangeLimits takes them."""
    return {
        name: Decimal(value) if isinstance(value, str) else value for name, value in told.items()
    }
