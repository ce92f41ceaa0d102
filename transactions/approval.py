"""Four eyes: which amounts a second person must let through, and what waits for that."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.expressions import RawSQL

from core.money import to_units
from transactions.models import TransactionEvent
from transactions.states import TransactionStatus

# As its index says it: SQLite uses a partial index for what it reads in the statement itself only.
WAITS_FOR_APPROVAL = Q(
    status=RawSQL(f"'{TransactionStatus.PENDING}'", ()),  # noqa: S611 - a constant
    approval_required=True,
    approved_by__isnull=True,
)


def needs_approval(amount: int, currency: str) -> bool:
    """Whether an amount, in 1/10,000 of the main unit, is at or above its currency's threshold."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and amount >= to_units(threshold)


def requests_to_retry(transaction_ids: Iterable[UUID]) -> list[TransactionEvent]:
    """Who asked for these transactions again, and why, oldest first."""
    retries = TransactionEvent.objects.filter(
        transaction_id__in=list(transaction_ids), event="RETRIED"
    )
    return list(retries.select_related("actor").order_by("id"))
