"""Change the overdraft limit of an account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.commands.open import validate_overdraft_limit
from accounts.models import Account
from accounts.states import AccountEventType
from core.errors import LimitBelowUse
from core.money import format_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOverdraftLimit(AccountCommand):
    """Sets how far below zero the balance may go, in main units of the account's currency.

    Raises InvalidInput for a bad limit, AccountClosed, and LimitBelowUse if the overdraft in use is
    above the new limit.
    """

    verb: ClassVar[str] = "change overdraft limit"
    event: ClassVar[AccountEventType] = AccountEventType.OVERDRAFT_LIMIT_CHANGED
    columns: ClassVar[tuple[str, ...]] = ("overdraft_limit",)

    overdraft_limit: Decimal

    def change(self, account: Account) -> None:
        validate_overdraft_limit(self.overdraft_limit, account.currency)
        refuse_closed(account)
        assert account.balance is not None
        if account.balance < -self.overdraft_limit:
            used = format_amount(-account.balance, account.currency)
            raise LimitBelowUse(f"The account is overdrawn by {used} {account.currency}.")
        account.overdraft_limit = self.overdraft_limit
