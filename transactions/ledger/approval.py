"""Four eyes: what waits until a second person lets it through."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import RawSQL

from transactions.models import TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus

# As its index says it: SQLite uses a partial index for what it reads in the statement itself only.
WAITS_FOR_APPROVAL = Q(
    status=RawSQL(f"'{TransactionStatus.PENDING}'", ()),  # noqa: S611 - a constant
    approval_required=True,
    approved_by__isnull=True,
)


def requests_to_retry(transaction_ids: Iterable[UUID]) -> list[TransactionEvent]:
    """Who asked for these transactions again, and why, oldest first."""
    retries = TransactionEvent.objects.filter(
        transaction_id__in=list(transaction_ids), event=TransactionEventType.RETRIED
    )
    return list(retries.select_related("actor").order_by("id"))
