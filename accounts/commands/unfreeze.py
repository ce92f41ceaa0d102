"""Unfreeze an account."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.models import Account
from accounts.states import AccountEventType
from core.errors import InvalidTransition


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeAccount(AccountCommand):
    """Lifts all blocks. Raises AccountClosed, and InvalidTransition if there are none."""

    verb: ClassVar[str] = "unfreeze account"
    event: ClassVar[AccountEventType] = AccountEventType.UNFROZEN
    columns: ClassVar[tuple[str, ...]] = ("debits_blocked", "credits_blocked")

    def change(self, account: Account) -> None:
        refuse_closed(account)
        if not (account.debits_blocked or account.credits_blocked):
            raise InvalidTransition(f"Account {account.number} is not frozen.")
        account.debits_blocked = account.credits_blocked = False
