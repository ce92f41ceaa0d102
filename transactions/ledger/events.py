"""Writing down what happens to a transaction after it was made."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from core.commands import Origin
from core.identifiers import uuid7
from core.sql.bulk import BulkInsert, types_of
from transactions.ledger.journal import JournalRow
from transactions.models import TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus

# The columns of an event in the order of its values.
_COLUMNS = (
    "id", "transaction_id", "event", "from_status", "to_status", "attempt", "actor_id", "caller",
    "reason", "detail", "request_id", "address", "at",
)  # fmt: skip
EventRow = tuple[Any, ...]
_insert = BulkInsert(TransactionEvent._meta.db_table, types_of(TransactionEvent, _COLUMNS))

_TICK = timedelta(microseconds=1)


def moment_after(row: JournalRow, now: datetime) -> datetime:
    """Now, or just after the row's last change: events of a row are in the order of their ids,
    whatever the clocks of the hosts that write them.
    """
    return max(now, row.updated_at + _TICK)


def transition(
    row: JournalRow,
    event: TransactionEventType,
    *,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> EventRow:
    """The event that took the row from `before` to the status it has now. Not written yet."""
    row.updated_at = max(row.updated_at, at)
    return (
        uuid7(at),
        row.id,
        event,
        before,
        row.status,
        row.attempts + row.retry_count,
        origin.user_id,
        origin.caller,
        reason,
        detail or {},
        origin.request_id,
        ip_address(origin.address) if origin.address else None,
        at,
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
) -> EventRow:
    """The event that tells how an attempt ended, with the failure if it did not succeed."""
    failed = row.status == TransactionStatus.FAILED
    return transition(
        row,
        TransactionEventType.FAILED if failed else TransactionEventType.COMPLETED,
        before=before,
        origin=origin,
        at=at,
        reason=reason,
        detail=failure_of(row),
    )


def record(events: list[EventRow]) -> None:
    """Writes the events in the caller's transaction, by one statement."""
    if events:
        _insert(events)
