"""Reads of seals."""

from datetime import datetime, timedelta

from django.db.models import Sum

from accounts.models import Account
from accounts.states import AccountKind
from seals.models import Seal


def newest_seal() -> Seal | None:
    """The newest seal, without the roots of its blocks, which only proofs need."""
    return Seal.objects.defer("blocks").order_by("-number").first()


def unsealed_entries(newest: Seal | None = None) -> int:
    """How many entries came after the newest seal. Reads all accounts, and no entry."""
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
    entries = customers.aggregate(total=Sum("last_sequence"))["total"] or 0
    newest = newest or newest_seal()
    return int(entries) - (newest.total_entries if newest else 0)


def neglected_since(limit: timedelta, now: datetime) -> datetime | None:
    """The time of the newest seal, if it is older than the limit and entries came after it.

    None for a bank without seals. Looks for entries only if the seal is old.
    """
    newest = newest_seal()
    if newest is None or now - newest.sealed_at <= limit or not unsealed_entries(newest):
        return None
    return newest.sealed_at
