"""How webhooks are doing, for operators."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, Q, Subquery

from webhooks.models import Delivery, Endpoint
from webhooks.states import DeliveryStatus

# A webhook is behind once a delivery has waited longer.
BEHIND_AFTER = timedelta(hours=1)
# More waiting deliveries are not counted.
MOST_COUNTED = 10_000

_WAITS = Q(status=DeliveryStatus.WAITING)


@dataclass(frozen=True, slots=True)
class Overview:
    """The webhooks by state, and the deliveries that wait at those that are on."""

    states: Mapping[str, int]
    waiting: int = 0
    oldest_age: timedelta = timedelta(0)


def overview(now: datetime) -> Overview:
    """Three statements; where no webhook is on, one."""
    on = Q(is_on=True)
    states = Endpoint.objects.aggregate(
        on=Count("pk", filter=on & Q(failing_since=None)),
        failing=Count("pk", filter=on & ~Q(failing_since=None)),
        off=Count("pk", filter=~on),
    )
    if not states["on"] + states["failing"]:
        return Overview(states)
    waiting = Delivery.objects.filter(_WAITS, endpoint__is_on=True).order_by()
    return Overview(states, waiting[:MOST_COUNTED].count(), oldest_age(now))


def oldest_age(now: datetime) -> timedelta:
    """The age of the oldest delivery that waits at a webhook that is on; else zero.

    One statement, with one look into a small index for each such webhook.
    """
    first = Delivery.objects.filter(_WAITS, endpoint=OuterRef("pk")).order_by("id")
    oldest = (
        Endpoint.objects.filter(is_on=True)
        .order_by()
        .annotate(first=Subquery(first.values("created_at")[:1]))
        .aggregate(oldest=Min("first"))["oldest"]
    )
    return max(timedelta(0), now - oldest) if oldest else timedelta(0)
