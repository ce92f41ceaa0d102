"""Writing down what happens to a transaction after it was made."""

from datetime import datetime, timedelta
from typing import Any

from core.commands import Origin
from core.identifiers import uuid7
from transactions.journal import JournalRow
from transactions.models import TransactionEvent
from transactions.states import TransactionStatus

STARTED = "STARTED"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
RELEASED = "RELEASED"
LEASE_LOST = "LEASE_LOST"
EXPIRED = "EXPIRED"

_TICK = timedelta(microseconds=1)


def moment_after(row: JournalRow, now: datetime) -> datetime:
    """Now, or just after the row's last change: events of a row are in the order of their ids,
    whatever the clocks of the hosts that write them.
    """
    return max(now, row.updated_at + _TICK)


def transition(
    row: JournalRow,
    event: str,
    *,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> TransactionEvent:
    """The event that took the row from `before` to the status it has now. Not written yet."""
    row.updated_at = max(row.updated_at, at)
    return TransactionEvent(
        id=uuid7(at),
        transaction_id=row.id,
        event=event,
        from_status=before,
        to_status=row.status,
        attempt=row.attempts + row.retry_count,
        actor_id=origin.user_id,
        caller=origin.caller,
        reason=reason,
        detail=detail or {},
        request_id=origin.request_id,
        address=origin.address,
        at=at,
    )


def failure_of(row: JournalRow) -> dict[str, Any]:
    """What an event keeps of a failure; nothing if there is none."""
    if row.status != TransactionStatus.FAILED:
        return {}
    return {"failure_code": row.failure_code, "failure_detail": row.failure_detail}


def outcome(
    row: JournalRow,
    *,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
    reason: str = "",
) -> TransactionEvent:
    """The event that tells how an attempt ended, with the failure if it did not succeed."""
    failed = row.status == TransactionStatus.FAILED
    return transition(
        row,
        FAILED if failed else COMPLETED,
        before=before,
        origin=origin,
        at=at,
        reason=reason,
        detail=failure_of(row),
    )


def record(events: list[TransactionEvent]) -> None:
    """Writes the events in the caller's transaction, by one statement."""
    if events:
        TransactionEvent.objects.bulk_create(events)
