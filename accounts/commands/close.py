"""Close an account."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.models import Account
from accounts.states import AccountEventType, AccountStatus
from core.errors import AccountNotEmpty
from core.money import format_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(AccountCommand):
    """Closes an account. It can be reopened only within BANK_REOPEN_DAYS.

    Raises AccountClosed, or AccountNotEmpty if the balance is not zero or a hold is open. The
    processor raises TransactionsPending while transactions are queued for the account.
    """

    verb: ClassVar[str] = "close account"
    event: ClassVar[AccountEventType] = AccountEventType.CLOSED
    columns: ClassVar[tuple[str, ...]] = ("status",)
    refused_while_pending: ClassVar[bool] = True

    def change(self, account: Account) -> None:
        refuse_closed(account)
        assert account.balance is not None
        if account.balance != 0:
            balance = format_amount(account.balance, account.currency)
            raise AccountNotEmpty(f"The balance is {balance} {account.currency}, not zero.")
        if account.held:
            held = format_amount(account.held, account.currency)
            raise AccountNotEmpty(f"Open holds reserve {held} {account.currency}: void them first.")
        account.status = AccountStatus.CLOSED
