"""Records what became of attempts, many at a time: one commit for all messages of half a second."""

import time
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.api.fields import rfc_3339
from core.metrics.instruments import WEBHOOK_ATTEMPTS, WEBHOOK_SECONDS
from core.sql.bulk import document, sqlite_rows
from core.sql.cursors import prepared_cursor
from webhooks.models import Delivery
from webhooks.states import DeliveryStatus
from webhooks.transport import Attempt

_KEPT_ATTEMPTS = 20
# A worker that is killed leaves so much unrecorded, and these messages are sent again.
_SECONDS = 0.5
_TYPES = ("text", "integer", "jsonb", "timestamptz", "uuid")
# What somebody has skipped meanwhile stays skipped.
_UPDATE = (
    "UPDATE webhooks_delivery SET status = %s, attempt_count = %s, attempts = %s, ended_at = %s"
    " WHERE id = %s AND status = 'WAITING'"
)


class Records:
    """The attempts of a turn that are not written yet."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._due = 0.0

    def add(self, delivery: Delivery, attempt: Attempt, began: datetime, now: datetime) -> None:
        """Changes the delivery too, but not its row yet."""
        entry = {
            "at": rfc_3339(began),
            "status": attempt.status,
            "error": attempt.error,
            "milliseconds": attempt.milliseconds,
        }
        delivery.attempt_count += 1
        delivery.attempts = [*delivery.attempts, entry][-_KEPT_ATTEMPTS:]
        if attempt.is_success:
            delivery.status, delivery.ended_at = DeliveryStatus.DELIVERED, now
        self._rows.append(
            (
                str(delivery.status),
                delivery.attempt_count,
                document(delivery.attempts),
                delivery.ended_at,
                delivery.pk,
            )
        )
        WEBHOOK_ATTEMPTS.labels("delivered" if attempt.is_success else "failed").inc()
        WEBHOOK_SECONDS.observe(attempt.milliseconds / 1000)

    @property
    def are_due(self) -> bool:
        return time.monotonic() >= self._due

    def write(self) -> None:
        """Writes all in one database transaction."""
        rows, self._rows = self._rows, []
        self._due = time.monotonic() + _SECONDS
        if not rows:
            return
        with transaction.atomic(), prepared_cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.executemany(
                    _UPDATE, [(*row[:2], row[2][1:].decode(), *row[3:]) for row in rows]
                )
            else:
                cursor.executemany(_UPDATE, sqlite_rows(rows, _TYPES))
