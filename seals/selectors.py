"""Reads of seals."""

from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Sum

from accounts.models import Account
from accounts.states import AccountKind
from seals.merkle import BLOCK
from seals.models import Seal, SealedRange
from transactions.models import Transaction
from transactions.states import TransactionStatus


def newest_seal() -> Seal | None:
    """The newest seal, without the roots of its blocks, which only proofs need."""
    return Seal.objects.defer("blocks").order_by("-number").first()


def block_of(seal: Seal, position: int, using: str = DEFAULT_DB_ALIAS) -> list[SealedRange]:
    """The ranges in the block of the tree with this position, in order: 1,024 at most."""
    first = position // BLOCK * BLOCK
    leaves = SealedRange.objects.using(using).filter(
        seal_id=seal.pk, position__range=(first, first + BLOCK - 1)
    )
    return list(leaves.order_by("position"))


def unsealed_entries(newest: Seal | None = None) -> int:
    """How many entries came after the newest seal. Reads all accounts, and no entry."""
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
    entries = customers.aggregate(total=Sum("last_sequence"))["total"] or 0
    newest = newest or newest_seal()
    return int(entries) - (newest.total_entries if newest else 0)


def waiting_since(limit: timedelta, now: datetime) -> datetime | None:
    """Since when entries have waited for a seal, if that is longer than the limit.

    None for a bank without seals. Reads one row of an index, which has what is not archived.
    """
    newest = newest_seal()
    if newest is None or now - newest.sealed_at <= limit:
        return None
    posted = Transaction.objects.filter(
        status=TransactionStatus.COMPLETED,
        archived_at__isnull=True,
        completed_at__gt=newest.sealed_at,
    )
    first = posted.order_by("completed_at").values_list("completed_at", flat=True).first()
    return first if first is not None and now - first > limit else None
