"""Go on only if an account is still as the client has read it."""

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
    """Changes nothing. Before other commands of a list, it refuses them all.

    Under the account's lock, so that of two changes with one tag only one goes through. Raises
    PreconditionFailed.
    """

    verb: ClassVar[str] = "expect account"

    precondition: Precondition

    def apply(self, origin: Origin, now: datetime) -> Account:
        account = Account.objects.select_related("owner").get(pk=self.account_id)
        self.precondition.check_change(tag_of(represent(account)))
        return account
