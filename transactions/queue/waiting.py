"""The queue: transactions that are PENDING and due. There is no other store.

Accepting a command takes two statements: one reads the accounts, one inserts. A worker claims
transactions with a lease: a token that fences its rows, and the time when the lease expires. Each
account is served first in, first out: a claim leaves out transactions that must wait for an earlier
one of the same account outside the claim.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from core import clock
from core.commands import Origin
from core.errors import BankError, ProcessingError
from core.failpoints import failpoint
from core.metrics.instruments import QUEUE
from transactions.ledger import events
from transactions.ledger import writer as ledger
from transactions.ledger.counting import count_ends
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.models.queries import DUE, RELEASED, WAITS_FOR_APPROVAL
from transactions.queue.turns import lock_whose_turn_it_is
from transactions.states import TransactionEventType, TransactionStatus

# After this many starts that ended with a lost lease, a command is assumed to kill workers.
MAX_ATTEMPTS = 5

# The most rows that one database transaction releases or expires.
_MOST_AT_ONCE = 1000


def due(now: datetime) -> QuerySet[Transaction]:
    """The transactions that a worker could start now, first in first."""
    waiting = Transaction.objects.filter(RELEASED, status=TransactionStatus.PENDING)
    return waiting.alias(due=DUE).filter(due__lte=now).order_by("due", "id")


def lag(now: datetime) -> timedelta:
    """How long the oldest due transaction has waited; zero if there is none."""
    oldest = due(now).values_list(DUE, flat=True).first()
    return timedelta(0) if oldest is None else now - oldest


@dataclass(frozen=True, slots=True)
class Claim:
    """The transactions held by a worker. `blocked`: others had to wait for their turn."""

    lease: UUID
    rows: list[JournalRow]
    blocked: bool

    @property
    def transaction_ids(self) -> list[UUID]:
        return [row.id for row in self.rows]


def claim(worker: str, origin: Origin, *, batch_size: int) -> Claim:
    """Claims up to `batch_size` due transactions for this worker alone: PENDING -> PROCESSING."""
    lease = uuid4()
    with transaction.atomic(durable=True):
        now = clock.now()
        taken, others_wait = lock_whose_turn_it_is(now, batch_size)
        failpoint("claim.locked")
        events.record(_start(taken, worker, origin, now))
        ledger.lease(taken, lease, now + timedelta(seconds=settings.WORKER_LEASE_SECONDS))
        failpoint("claim.leased")
    failpoint("claim.committed")
    return Claim(lease, taken, blocked=others_wait)


def _start(
    rows: Iterable[JournalRow], worker: str, origin: Origin, now: datetime
) -> Iterator[events.EventRow]:
    """Starts the rows in memory, and yields the event of each."""
    event, before = TransactionEventType.STARTED, TransactionStatus.PENDING
    for row in rows:
        at = events.moment_after(row, now)
        row.status = TransactionStatus.PROCESSING
        row.attempts += 1
        row.worker = worker
        yield events.transition(row, event, before=before, origin=origin, at=at)


def extend(lease: UUID) -> None:
    """The worker's heartbeat: renews the lease. Skips rows being posted."""
    until = clock.now() + timedelta(seconds=settings.WORKER_LEASE_SECONDS)
    with transaction.atomic(durable=True):
        held = Transaction.objects.select_for_update(skip_locked=True, no_key=True).filter(
            lease_token=lease, status=TransactionStatus.PROCESSING
        )
        Transaction.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(
            lease_expires_at=until
        )


def release(lease: UUID, origin: Origin) -> int:
    """Returns rows that a worker will not finish: PROCESSING -> PENDING. Returns their number.

    The attempt does not count: only attempts with an outcome or a lost lease do.
    """

    def give_back(row: JournalRow, at: datetime) -> events.EventRow:
        row.status = TransactionStatus.PENDING
        event = _event(row, TransactionEventType.RELEASED, TransactionStatus.PROCESSING, origin, at)
        row.attempts -= 1
        return event

    held = Q(lease_token=lease, status=TransactionStatus.PROCESSING)
    return _change_each(held, give_back)


def reap(origin: Origin) -> int:
    """Takes back rows whose lease has expired: PROCESSING -> PENDING. Returns their number.

    A row started MAX_ATTEMPTS times fails by `processing_error` instead.
    """
    return _take_back(Q(lease_expires_at__lt=clock.now()), origin)


def inherit(worker: str, origin: Origin) -> bool:
    """As `reap`, for the rows of a dead worker with this name.

    Returns whether none is left. Skips rows that the server still keeps locked for the dead worker.
    """
    _take_back(Q(worker=worker), origin)
    held = Transaction.objects.filter(status=TransactionStatus.PROCESSING, worker=worker)
    return not held.exists()


def _take_back(condition: Q, origin: Origin) -> int:
    def give_back(row: JournalRow, at: datetime) -> events.EventRow:
        if _is_given_up(row):
            row.fail(ProcessingError(f"Given up after {row.attempts} attempts."), at)
        else:
            row.status = TransactionStatus.PENDING
        return _event(
            row, TransactionEventType.LEASE_LOST, TransactionStatus.PROCESSING, origin, at
        )

    return _change_each(Q(status=TransactionStatus.PROCESSING) & condition, give_back)


def fail(
    lease: UUID, transaction_id: UUID, error: BankError, origin: Origin, *, reason: str
) -> None:
    """Fails a claimed transaction that cannot be processed: PROCESSING -> FAILED.

    The event keeps the reason, which is for staff; customers see the error.
    """

    def give_up(row: JournalRow, at: datetime) -> events.EventRow:
        row.fail(error, at)
        return events.outcome(
            row, before=TransactionStatus.PROCESSING, origin=origin, at=at, reason=reason
        )

    mine = Q(pk=transaction_id, lease_token=lease, status=TransactionStatus.PROCESSING)
    _change_each(mine, give_up, skip_locked=False)


def expire_approvals(origin: Origin) -> int:
    """Fails rows not decided in time: PENDING -> FAILED by `approval_expired`. Returns how many."""

    def expire(row: JournalRow, at: datetime) -> events.EventRow:
        row.status = TransactionStatus.FAILED
        row.failure_code = "approval_expired"
        row.failure_detail = f"Nobody approved it within {settings.APPROVAL_EXPIRES_DAYS} days."
        return _event(row, TransactionEventType.EXPIRED, TransactionStatus.PENDING, origin, at)

    before = clock.now() - timedelta(days=settings.APPROVAL_EXPIRES_DAYS)
    undecided = WAITS_FOR_APPROVAL & Q(created_at__lt=before, updated_at__lt=before)
    return _change_each(undecided, expire)


def _is_given_up(row: JournalRow) -> bool:
    """Whether the row was started too often, counted from the request or its last retry."""
    return row.attempts >= MAX_ATTEMPTS * (row.retry_count + 1)


def _event(
    row: JournalRow,
    event: TransactionEventType,
    before: TransactionStatus,
    origin: Origin,
    at: datetime,
) -> events.EventRow:
    detail = events.failure_of(row)
    return events.transition(row, event, before=before, origin=origin, at=at, detail=detail)


def _change_each(
    condition: Q,
    change: Callable[[JournalRow, datetime], events.EventRow],
    *,
    skip_locked: bool = True,
) -> int:
    """Changes the rows that meet the condition, one by one under their locks; returns how many.

    `change` takes the moment and returns the event to record; the row then no longer meets the
    condition. No balance changes. A database transaction changes up to `_MOST_AT_ONCE` rows.
    """
    changed = 0
    while True:
        at_once = _change_some(condition, change, skip_locked=skip_locked)
        changed += at_once
        if at_once < _MOST_AT_ONCE:
            return changed


def _change_some(
    condition: Q, change: Callable[[JournalRow, datetime], events.EventRow], *, skip_locked: bool
) -> int:
    with transaction.atomic(durable=True):
        rows = ledger.lock_rows(condition, limit=_MOST_AT_ONCE, skip_locked=skip_locked)
        if not rows:
            return 0
        failpoint("change.locked")
        now = clock.now()
        written = [change(row, events.moment_after(row, now)) for row in rows]
        ledger.settle(rows, {})
        events.record(written)
        failpoint("change.recorded")
    failpoint("change.committed")
    count_ends(rows, QUEUE)
    return len(rows)
