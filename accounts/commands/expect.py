"""Check that an account is still as the client has read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from accounts.commands.base import AccountCommand
from accounts.models import Account
from accounts.representation import represent
from core.api.conditions import Precondition, tag_of
from core.commands import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectAccount(AccountCommand):
    """Refuses the whole list of commands if the account has changed. Changes nothing itself.

    The check runs under the account's lock, so only one of two changes with the same tag succeeds.
    Raises PreconditionFailed.
    """

    verb: ClassVar[str] = "expect account"

    precondition: Precondition

    def apply(self, origin: Origin, now: datetime) -> Account:
        account = Account.objects.select_related("owner").get(pk=self.account_id)
        self.precondition.check_change(tag_of(represent(account)))
        return account
