"""Events: a record of each change to an existing transaction."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from core.addresses import stored_address
from core.commands import Origin
from core.identifiers import uuid7
from core.sql.bulk import BulkInsert, document, types_of
from transactions.ledger.journal import JournalRow
from transactions.models import TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus

# The columns of an event, in the order of the values.
_COLUMNS = (
    "id", "transaction_id", "event", "from_status", "to_status", "attempt", "actor_id", "caller",
    "reason", "detail", "request_id", "address", "at",
)  # fmt: skip
EventRow = tuple[Any, ...]
_insert = BulkInsert(TransactionEvent._meta.db_table, types_of(TransactionEvent, _COLUMNS))

_NO_DETAIL = document({})
_TICK = timedelta(microseconds=1)


def moment_after(row: JournalRow, now: datetime) -> datetime:
    """Returns `now`, or a moment just after the row's last change if that is later.

    The events of a row thus follow the order of their ids, whatever the hosts' clocks say.
    """
    return max(now, row.updated_at + _TICK)


def transition(
    row: JournalRow,
    event: TransactionEventType,
    *,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
    index: int = 0,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> EventRow:
    """Builds the event for the change from `before` to the row's present status; writes nothing.

    Events of one moment follow the order of their `index`.
    """
    row.updated_at = max(row.updated_at, at)
    return (
        uuid7(at, index),
        row.id,
        event,
        before,
        row.status,
        row.attempts + row.retry_count,
        origin.user_id,
        origin.caller,
        reason,
        document(detail) if detail else _NO_DETAIL,
        origin.request_id,
        stored_address(origin.address) if origin.address else None,
        at,
    )


def failure_of(row: JournalRow) -> dict[str, Any]:
    """The failure as an event keeps it; empty if there is none."""
    if row.status != TransactionStatus.FAILED:
        return {}
    return {"failure_code": row.failure_code, "failure_detail": row.failure_detail}


def outcome(
    row: JournalRow,
    *,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
    index: int = 0,
    reason: str = "",
) -> EventRow:
    """As `transition`, for the end of an attempt, with the failure if it did not succeed."""
    failed = row.status == TransactionStatus.FAILED
    return transition(
        row,
        TransactionEventType.FAILED if failed else TransactionEventType.COMPLETED,
        before=before,
        origin=origin,
        at=at,
        index=index,
        reason=reason,
        detail=failure_of(row),
    )


def record(events: Iterable[EventRow]) -> None:
    """Writes the events in the caller's transaction, in one statement; see BulkInsert."""
    _insert(events)
