"""Replace the metadata of an account."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand, refuse_closed
from accounts.models import Account
from accounts.states import AccountEventType


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMetadata(AccountCommand):
    """Replaces all metadata of an account, the client's own notes. Raises AccountClosed."""

    verb: ClassVar[str] = "change metadata"
    event: ClassVar[AccountEventType] = AccountEventType.METADATA_CHANGED
    columns: ClassVar[tuple[str, ...]] = ("metadata",)

    metadata: dict[str, str]

    def change(self, account: Account) -> None:
        refuse_closed(account)
        account.metadata = self.metadata
