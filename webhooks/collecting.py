"""Makes deliveries of what the feed has next for an endpoint."""

import json
import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core import clock
from core.api.fields import rfc_3339
from core.errors import CursorLost
from core.failpoints import failpoint
from core.identifiers import uuid7
from events.changes import Change, ChangeReader
from events.feed import FeedPage, read
from events.keys import FeedPlace, newest_places
from webhooks.models import Delivery, Endpoint

logger = logging.getLogger(__name__)

# How many changes of others an endpoint looks through again and again, before it moves on.
_MOST_READ_AGAIN = 100


def newest() -> list[Any]:
    """The end of the feed, as `Endpoint.places` stores it."""
    return _stored(newest_places())


def has_news(endpoint: Endpoint) -> bool:
    """Whether the feed has anything after the endpoint's places: changes that it may see, or so
    many of others that it should not look through them again.
    """
    try:
        page = read(ChangeReader.of(endpoint.user), _places(endpoint), 1)
    except CursorLost:
        return True
    return bool(page.changes) or page.looked_through >= _MOST_READ_AGAIN


def collect(endpoint: Endpoint, held: QuerySet[Endpoint], most: int) -> bool:
    """Makes deliveries of up to `most` changes, and moves the places on, both or none.

    `held` is the endpoint, as long as the caller has its lease. Returns whether to go on.
    """
    page = _next(endpoint, most)
    if page.places == _places(endpoint):
        return False
    now = clock.now()
    wanted = [one for one in page.changes if not endpoint.types or one.type in endpoint.types]
    places = _stored(page.places)
    with transaction.atomic():
        if not held.update(places=places):
            return False
        Delivery.objects.bulk_create(
            _delivery(endpoint, change, now, index) for index, change in enumerate(wanted)
        )
        failpoint("webhook.collected")
    endpoint.places = places
    return bool(wanted) or page.has_more


def _next(endpoint: Endpoint, most: int) -> FeedPage:
    try:
        return read(ChangeReader.of(endpoint.user), _places(endpoint), most)
    except CursorLost:
        logger.warning("The webhook %s goes on at the end of the feed", endpoint.pk)
        return FeedPage([], newest_places(), has_more=False)


def _delivery(endpoint: Endpoint, change: Change, now: datetime, index: int) -> Delivery:
    body = {**change.represent(), "timestamp": rfc_3339(change.at)}
    return Delivery(
        id=uuid7(now, index),
        endpoint=endpoint,
        event_id=change.id,
        type=change.type,
        body=json.dumps(body, default=str, separators=(",", ":")),
        created_at=now,
    )


def _places(endpoint: Endpoint) -> tuple[FeedPlace, ...]:
    return tuple(FeedPlace(position, UUID(pk), is_row) for position, pk, is_row in endpoint.places)


def _stored(places: tuple[FeedPlace, ...]) -> list[Any]:
    return [[place.position, str(place.id), place.is_row] for place in places]
