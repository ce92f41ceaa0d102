"""Endpoints and deliveries as JSON."""

from datetime import datetime
from typing import Any

from core.api.fields import rfc_3339
from webhooks.models import Delivery, Endpoint


def represent(endpoint: Endpoint) -> dict[str, Any]:
    """Without the secret."""
    return {
        "webhook_id": str(endpoint.pk),
        "url": endpoint.url,
        "types": endpoint.types,
        "description": endpoint.description,
        "user": endpoint.user.get_username(),
        "is_on": endpoint.is_on,
        "off_reason": endpoint.off_reason,
        "failing_since": _moment(endpoint.failing_since),
        "next_attempt_at": _moment(endpoint.next_at if endpoint.failing_since else None),
        "created_at": rfc_3339(endpoint.created_at),
    }


def represent_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": str(delivery.pk),
        "event_id": str(delivery.event_id),
        "type": delivery.type,
        "status": str(delivery.status),
        "attempt_count": delivery.attempt_count,
        "attempts": delivery.attempts,
        "created_at": rfc_3339(delivery.created_at),
        "ended_at": _moment(delivery.ended_at),
    }


def _moment(at: datetime | None) -> str | None:
    return rfc_3339(at) if at else None
