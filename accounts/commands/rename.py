"""Rename an account."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.models import Account
from accounts.states import AccountEventType
from accounts.words import AccountWord
from core.name_words import keep_words


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameAccount(AccountCommand):
    """Gives an account another name. Raises AccountClosed."""

    verb: ClassVar[str] = "rename account"
    event: ClassVar[AccountEventType] = AccountEventType.RENAMED
    columns: ClassVar[tuple[str, ...]] = ("name",)

    name: str

    def change(self, account: Account) -> None:
        refuse_closed(account)
        account.name = self.name
        keep_words(AccountWord, account)
