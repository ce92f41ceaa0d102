"""The rule against self-dealing: staff may not use their rights on accounts of their own.

Customers use no such rights: they act on their own accounts as owners.
"""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from accounts.models import Account
from core.commands import Origin
from core.errors import SelfDealing


class HasOwner(Protocol):
    """The part of an account that the rule needs: locked, only read, or about to be opened."""

    @property
    def id(self) -> UUID: ...

    @property
    def owner_id(self) -> int | None: ...


def refuse_self_dealing(accounts: Iterable[HasOwner], origin: Origin) -> None:
    """Raises SelfDealing if one of the accounts belongs to the member of staff in `origin`."""
    if origin.user_id is None or origin.as_customer:
        return
    for account in accounts:
        if account.owner_id == origin.user_id:
            raise SelfDealing(account.id)


def refuse_self_dealing_by_id(account_ids: Iterable[UUID], origin: Origin) -> None:
    """Does the same for accounts that have not been read yet. One statement."""
    if origin.user_id is None or origin.as_customer:
        return
    own = Account.objects.filter(pk__in=set(account_ids), owner_id=origin.user_id)
    refuse_self_dealing(own.only("id", "owner_id"), origin)
