"""What holds of an account reserved at a moment of the past."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from transactions.models import Hold, HoldEvent
from transactions.states import HoldStatus


def held_before(account_id: UUID, moment: datetime) -> Decimal:
    """What the account's holds reserved just before the moment, in main units. One statement.

    It is told by the events of the holds that had begun by then and had not ended. The same moment
    of the past gives the same amount at any time.
    """
    events = HoldEvent.objects.filter(hold=OuterRef("pk"), at__lt=moment).order_by("-id")
    holds = Hold.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=moment),
        account=account_id,
        created_at__lt=moment,
    ).order_by()
    found = holds.annotate(
        status_then=Subquery(events.values("status")[:1]),
        captured_then=Subquery(events.values("captured")[:1]),
    ).filter(status_then=HoldStatus.OPEN)
    amounts = found.values_list("amount", "captured_then")
    return sum((amount - captured for amount, captured in amounts), Decimal(0))
