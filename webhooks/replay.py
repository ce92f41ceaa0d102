"""Further deliveries on request: a test, what was delivered before, and what is left out."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import CHANGE
from django.db import transaction

from core import clock
from core.api.fields import rfc_3339
from core.commands import Origin
from core.errors import FieldError, InvalidInput, InvalidTransition, NotFound
from core.identifiers import lowest_uuid7, uuid7
from webhooks.audit import note
from webhooks.delivering import waiting
from webhooks.endpoints import locked
from webhooks.models import Delivery, Endpoint
from webhooks.states import DeliveryStatus

MOST_REPLAYED = 1000
_MOST_WAITING = 2000
TEST_TYPE = "webhook.test"


def send_test(endpoint: Endpoint, origin: Origin) -> Delivery:
    """A delivery without an event, after those that wait. Raises InvalidTransition, NotFound."""
    now = clock.now()
    pk = uuid7(now)
    body = {"id": str(pk), "type": TEST_TYPE, "timestamp": rfc_3339(now), "data": {}}
    with transaction.atomic():
        locked(endpoint)
        _require_room(endpoint, 1)
        note(endpoint, origin, CHANGE, "Sent a test")
        return Delivery.objects.create(
            id=pk,
            endpoint=endpoint,
            event_id=pk,
            type=TEST_TYPE,
            body=json.dumps(body, separators=(",", ":")),
            created_at=now,
        )


def replay_event(endpoint: Endpoint, origin: Origin, event_id: UUID) -> int:
    """Delivers an event again. Raises NotFound, and InvalidTransition."""
    with transaction.atomic():
        locked(endpoint)
        found = endpoint.deliveries.filter(event_id=event_id).order_by("-id").first()
        if found is None:
            raise NotFound(f"This webhook has no delivery of the event {event_id}.")
        if found.status == DeliveryStatus.WAITING:
            raise InvalidTransition(f"The event {event_id} waits for delivery already.")
        return _again(endpoint, origin, [found], f"the event {event_id}")


def replay_range(endpoint: Endpoint, origin: Origin, first: datetime, end: datetime) -> int:
    """Delivers again what was taken up for this endpoint from `first` up to `end`, in its order.

    An event that was delivered several times is delivered once more. Returns how many. Raises
    InvalidInput for no time and for more than 1,000, InvalidTransition, and NotFound.
    """
    if end <= first:
        detail = "The end of the time must be after its beginning."
        raise InvalidInput(errors=[FieldError("/before", "invalid", detail)])
    ended = endpoint.deliveries.exclude(status=DeliveryStatus.WAITING).exclude(type=TEST_TYPE)
    between = ended.filter(pk__gte=lowest_uuid7(first), pk__lt=lowest_uuid7(end))
    with transaction.atomic():
        locked(endpoint)
        rows = list(between.order_by("id")[: MOST_REPLAYED + 1])
        if len(rows) > MOST_REPLAYED:
            detail = f"At most {MOST_REPLAYED:,} deliveries at a time: choose a shorter time."
            raise InvalidInput(errors=[FieldError("/before", "too_many", detail)])
        wanted = list({row.event_id: row for row in rows}.values())
        return _again(endpoint, origin, wanted, f"from {rfc_3339(first)} until {rfc_3339(end)}")


def _again(endpoint: Endpoint, origin: Origin, rows: Sequence[Delivery], which: str) -> int:
    """New deliveries with the content of these, after those that wait.

    In the caller's database transaction, which has locked the endpoint.
    """
    now = clock.now()
    _require_room(endpoint, len(rows))
    note(endpoint, origin, CHANGE, f"Sent again: {which}; deliveries: {len(rows)}")
    Delivery.objects.bulk_create(
        Delivery(
            id=uuid7(now, index),
            endpoint=endpoint,
            event_id=one.event_id,
            type=one.type,
            body=one.body,
            created_at=now,
        )
        for index, one in enumerate(rows)
    )
    return len(rows)


def skip(endpoint: Endpoint, origin: Origin, event_id: UUID) -> None:
    """Leaves out the delivery that waits for this event, so that the later ones come.

    Raises NotFound.
    """
    with transaction.atomic():
        locked(endpoint)
        found = waiting(endpoint).filter(event_id=event_id)
        if not found.update(status=DeliveryStatus.SKIPPED, ended_at=clock.now()):
            raise NotFound(f"No delivery of the event {event_id} waits.")
        Endpoint.objects.filter(pk=endpoint.pk).update(next_at=clock.now())
        note(endpoint, origin, CHANGE, f"Left out the event {event_id}")


def _require_room(endpoint: Endpoint, more: int) -> None:
    """Once the endpoint is locked, so that no other request takes the same room."""
    if waiting(endpoint)[: _MOST_WAITING + 1].count() + more > _MOST_WAITING:
        raise InvalidTransition(
            f"So many deliveries of this webhook wait that no more can be added: at most"
            f" {_MOST_WAITING:,} may wait."
        )
