"""Reads of seals."""

from django.db.models import Sum

from accounts.models import Account
from accounts.states import AccountKind
from seals.models import Seal


def newest_seal() -> Seal | None:
    """The newest seal, without the roots of its blocks, which only proofs need."""
    return Seal.objects.defer("blocks").order_by("-number").first()


def unsealed_entries() -> int:
    """How many entries came after the newest seal. Reads all accounts, and no entry."""
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
    entries = customers.aggregate(total=Sum("last_sequence"))["total"] or 0
    newest = newest_seal()
    return int(entries) - (newest.total_entries if newest else 0)
