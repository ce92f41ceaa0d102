"""Webhooks of the demo bank, with the ids of the API's examples. They are off: nobody receives."""

import logging
from uuid import UUID

from django.contrib.auth import get_user_model

from bankproject import example_ids
from core import clock
from core.commands import Origin
from events.schema import EVENT_EXAMPLE
from webhooks import audit, endpoints
from webhooks.models import Delivery, Endpoint
from webhooks.schema import SKIPPED_EVENT, WEBHOOK_EXAMPLE
from webhooks.states import DeliveryStatus


def make_webhooks() -> None:
    """Two webhooks of Susan: one with a delivery to repeat and one to skip, one to delete."""
    user, now = get_user_model().objects.get(username=WEBHOOK_EXAMPLE["user"]), clock.now()
    origin = Origin(user_id=user.pk, caller=f"user:{user.pk}")
    log = logging.getLogger(audit.__name__)
    log.disabled = True  # It is for what people do, and make run shows it.
    try:
        for known_id in (example_ids.WEBHOOK, example_ids.WEBHOOK_TO_DELETE):
            made, _ = endpoints.make(
                user,
                origin,
                new_id=UUID(known_id),
                url=WEBHOOK_EXAMPLE["url"],
                types=WEBHOOK_EXAMPLE["types"],
                description=WEBHOOK_EXAMPLE["description"],
            )
            endpoints.change(made, origin, {"is_on": False})
    finally:
        log.disabled = False
    endpoint = Endpoint.objects.get(pk=example_ids.WEBHOOK)
    for event_id, status in (
        (EVENT_EXAMPLE["id"], DeliveryStatus.SKIPPED),
        (SKIPPED_EVENT, DeliveryStatus.WAITING),
    ):
        Delivery.objects.create(
            id=UUID(event_id),
            endpoint=endpoint,
            event_id=UUID(event_id),
            type=EVENT_EXAMPLE["type"],
            body="{}",
            status=status,
            created_at=now,
            ended_at=now if status == DeliveryStatus.SKIPPED else None,
        )
