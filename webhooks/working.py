"""The workers' part: looks for endpoints that are due, and serves several at a time."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from core import clock
from core.background import BackgroundJob
from webhooks.collecting import newest
from webhooks.delivering import due, serve
from webhooks.models import Delivery, Endpoint
from webhooks.states import DeliveryStatus

logger = logging.getLogger(__name__)

# For endpoints that answer in time, and for those whose last attempt was slow.
_THREADS, _THREADS_OF_SLOW = 4, 4
_POLL_SECONDS = 0.5


class WebhookDeliveries(BackgroundJob):
    """Serves all endpoints that are on. Several workers share them by leases.

    Slow endpoints have threads of their own, so they wait for each other, and nobody for them.
    """

    name = "delivery of webhooks"
    look_seconds = 5.0
    seconds_after_a_failure = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._slow: set[UUID] = set()
        # Where the feed ended when this endpoint had nothing to do.
        self._idle_at: dict[UUID, Any] = {}

    def look(self) -> None:
        """One small read in the worker's own thread; a thread only where an endpoint is on."""
        if self._thread is not None and self._thread.is_alive():
            return
        if time.monotonic() < self._next_look:
            return
        if Endpoint.objects.filter(is_on=True).exists():
            super().look()
        else:
            self._next_look = time.monotonic() + self.look_seconds

    def work(self) -> None:
        running: dict[UUID, Future[None]] = {}
        with (
            ThreadPoolExecutor(_THREADS, "webhooks") as usual,
            ThreadPoolExecutor(_THREADS_OF_SLOW, "slow-webhooks") as slow,
        ):
            while not self._stopping.is_set():
                running = {pk: one for pk, one in running.items() if not one.done()}
                end = newest()
                for pk in self._with_work(end) - running.keys():
                    threads = slow if pk in self._slow else usual
                    running[pk] = threads.submit(self._serve, pk, end)
                if not running and not Endpoint.objects.filter(is_on=True).exists():
                    return
                connection.close()
                self._stopping.wait(_POLL_SECONDS)

    def _with_work(self, end: Any) -> set[UUID]:
        """The endpoints that may have something to do. One statement for all of them."""
        still_waits = Delivery.objects.filter(
            endpoint=OuterRef("pk"), status=DeliveryStatus.WAITING
        )
        rows = due(clock.now()).annotate(waits=Exists(still_waits)).values_list("pk", "waits")
        return {pk for pk, waits in rows if waits or self._idle_at.get(pk) != end}

    def _serve(self, endpoint_id: UUID, end: Any) -> None:
        try:
            served = serve(endpoint_id, self._stopping.is_set)
            (self._slow.add if served.was_slow else self._slow.discard)(endpoint_id)
            self._idle_at[endpoint_id] = end if served.has_all else None
        except Exception:
            logger.exception("The webhook %s could not be served", endpoint_id)
        finally:
            connection.close()
