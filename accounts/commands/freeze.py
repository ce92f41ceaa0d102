"""Freeze an account: block its debits, its credits, or both."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.models import Account
from accounts.states import AccountEventType, FreezeScope
from core.errors import InvalidTransition


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeAccount(AccountCommand):
    """Blocks the sides named by `scope`; existing blocks stay.

    Raises AccountClosed, and InvalidTransition if those sides are blocked already.
    """

    verb: ClassVar[str] = "freeze account"
    event: ClassVar[AccountEventType] = AccountEventType.FROZEN
    columns: ClassVar[tuple[str, ...]] = ("debits_blocked", "credits_blocked")

    scope: FreezeScope = FreezeScope.ALL

    def change(self, account: Account) -> None:
        refuse_closed(account)
        block_debits = account.debits_blocked or self.scope in (FreezeScope.DEBITS, FreezeScope.ALL)
        block_credits = account.credits_blocked or self.scope in (
            FreezeScope.CREDITS,
            FreezeScope.ALL,
        )
        if (block_debits, block_credits) == (account.debits_blocked, account.credits_blocked):
            raise InvalidTransition(f"Account {account.number} already has these blocks.")
        account.debits_blocked, account.credits_blocked = block_debits, block_credits
