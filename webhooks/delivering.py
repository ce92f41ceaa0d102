"""Delivers events to endpoints: at least once, in order for each endpoint, beside the queue.

The feed is the outbox: an endpoint has its places there, and the money path knows nothing of it.
A worker leases an endpoint, turns what the feed has next into deliveries in the database
transaction that moves the places on, and sends them one by one. A worker that dies leaves
deliveries that wait, and the next one sends them again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet

from core import clock
from core.encryption import Unreadable
from core.failpoints import failpoint
from webhooks.collecting import collect, has_news
from webhooks.models import Delivery, Endpoint
from webhooks.recording import Records
from webhooks.secrets import signed_headers
from webhooks.states import DeliveryStatus
from webhooks.switching import switch_off
from webhooks.transport import Attempt, post

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
_PAGE = 50
# An endpoint gives its thread to others after this time, and after an attempt that was slow.
_TURN_SECONDS = 10.0
SLOW_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=4)
# Each pause is longer by up to this share, so that many endpoints of one host do not come at once.
_JITTER = 0.25
GIVES_UP_AFTER = timedelta(days=3)
_GONE = 410
_random = SystemRandom()


class Served(NamedTuple):
    """How a turn ended: whether an attempt was slow, and whether the endpoint has all there was."""

    was_slow: bool = False
    has_all: bool = False


def due(now: datetime) -> QuerySet[Endpoint]:
    """The endpoints that may be served now: on, not leased, and not in a pause."""
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=now)
    return Endpoint.objects.filter(free, is_on=True, next_at__lte=now)


def waiting(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Its deliveries that wait, the next one first."""
    return endpoint.deliveries.filter(status=DeliveryStatus.WAITING).order_by("id")


def serve(endpoint_id: UUID, is_stopping: Callable[[], bool] = lambda: False) -> Served:
    """Delivers what the endpoint has not had yet, for one turn or until a failure.

    Does nothing if another worker serves the endpoint, or if it is deleted.
    """
    endpoint = Endpoint.objects.select_related("user").filter(pk=endpoint_id).first()
    if endpoint is None:
        return Served()
    if not endpoint.user.is_active:
        switch_off(endpoint, "Its user is not active any more.")
        return Served()
    if not (waiting(endpoint).exists() or has_news(endpoint)):
        return Served(has_all=True)
    now, token = clock.now(), uuid4()
    leased = due(now).filter(pk=endpoint_id)
    if not leased.update(lease_token=token, lease_expires_at=now + LEASE):
        return Served()
    endpoint.refresh_from_db()
    turn = _Turn(endpoint, token, is_stopping)
    try:
        has_all = turn.run()
    finally:
        turn.held().update(lease_token=None, lease_expires_at=None)
    return Served(turn.was_slow, has_all)


class _Turn:
    """A worker's turn with an endpoint that it has leased."""

    def __init__(self, endpoint: Endpoint, token: UUID, is_stopping: Callable[[], bool]) -> None:
        self._endpoint, self._token, self._is_stopping = endpoint, token, is_stopping
        self._end = time.monotonic() + _TURN_SECONDS
        self._records = Records()
        self.was_slow = False

    def held(self) -> QuerySet[Endpoint]:
        """The endpoint, as long as this worker has the lease."""
        return Endpoint.objects.filter(pk=self._endpoint.pk, lease_token=self._token)

    def run(self) -> bool:
        """Sends, and returns whether nothing is left to send."""
        while self._goes_on() and self._is_ours():
            deliveries = list(waiting(self._endpoint)[:_PAGE])
            if not deliveries and not collect(self._endpoint, self.held(), _PAGE):
                return True
            if not self._send_all(deliveries):
                return False
        return False

    def _send_all(self, deliveries: Sequence[Delivery]) -> bool:
        """Sends until a failure. Returns whether the receiver has taken all of them."""
        try:
            return all(
                self._goes_on() and self._is_ours() and self._send(one) for one in deliveries
            )
        finally:
            self._records.write()

    def _goes_on(self) -> bool:
        over = self.was_slow or self._is_stopping() or time.monotonic() > self._end
        return not over

    def _is_ours(self) -> bool:
        """Asks twice a second at most, and writes what is known by then.

        A turn with one last attempt is far shorter than a lease. A change of the endpoint ends the
        turn, so that the next one begins with the new URL, types and secret.
        """
        if not self._records.are_due:
            return True
        self._records.write()
        return self._unchanged().filter(is_on=True).exists()

    def _unchanged(self) -> QuerySet[Endpoint]:
        """The endpoint, unless somebody has changed it since the turn began."""
        return self.held().filter(updated_at=self._endpoint.updated_at)

    def _send(self, delivery: Delivery) -> bool:
        """One attempt. Returns whether the receiver has taken it."""
        endpoint, began = self._endpoint, clock.about_now()
        content = delivery.body.encode()
        try:
            signed = signed_headers(
                endpoint, message_id=str(delivery.event_id), at=began, body=content
            )
        except Unreadable:
            switch_off(endpoint, "The bank cannot read its secret any more. Make a new one.")
            return False
        headers = {"Content-Type": "application/json", "User-Agent": "bank-webhooks/1"}
        attempt = post(endpoint.url, content, signed | headers)
        failpoint("webhook.sent")
        self.was_slow = attempt.milliseconds > SLOW_SECONDS * 1000
        now = clock.about_now()
        self._records.add(delivery, attempt, began, now)
        if attempt.is_success:
            if endpoint.failing_since is not None:
                endpoint.failing_since = None
                self.held().update(failing_since=None)
            return True
        self._failed(delivery, attempt, endpoint.failing_since or began, now)
        return False

    def _failed(self, delivery: Delivery, attempt: Attempt, since: datetime, now: datetime) -> None:
        next_at = now + pause(delivery.attempt_count)
        if not self._unchanged().update(failing_since=since, next_at=next_at):
            return  # It says nothing about the URL that the endpoint has now.
        if attempt.status == _GONE:
            switch_off(self._endpoint, "It answered 410 (Gone).")
        elif now - since >= GIVES_UP_AFTER:
            last = attempt.error or f"The last answer was {attempt.status}."
            switch_off(self._endpoint, f"It took nothing for {GIVES_UP_AFTER.days} days. {last}")


def pause(attempts: int) -> timedelta:
    """5 s after the first failed attempt, then twice as long each time, 4 hours at most.

    And up to a quarter more, at random.
    """
    doublings = min(attempts - 1, 16)
    return min(_FIRST_PAUSE * 2**doublings, _LONGEST_PAUSE) * (1 + _random.random() * _JITTER)
