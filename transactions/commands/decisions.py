"""Decisions on transactions that exist: retry, cancel, approve, reject.

Each runs on a row that is locked: it checks and changes it in memory. The processor writes it, with
an event, and posts it where that follows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from core.commands import Command, Origin
from core.errors import (
    ERROR_KINDS,
    AlreadyReversed,
    InvalidTransition,
    NotRetryable,
    PermissionDenied,
    RetryLimit,
    SelfApproval,
)
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction, TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus, check_move


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Command):
    """Base of the decisions. The event keeps the reason; `executes` says that posting follows."""

    event: ClassVar[TransactionEventType]
    executes: ClassVar[bool] = False

    transaction_id: UUID
    reason: str = ""

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def decide(self, row: JournalRow, origin: Origin, now: datetime) -> dict[str, Any]:
        """Changes the row at this moment, and returns what the event keeps of what it overwrote.

        Raises InvalidTransition, and what the decision itself refuses.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Decision):
    """FAILED -> PENDING: the same transaction once more, by its id, with its failure kept.

    Raises NotRetryable for a failure that is final, PermissionDenied for a reversal unless
    `may_reverse`, RetryLimit beyond `limit` retries unless
    `may_exceed_limit`, and AlreadyReversed for a reversal where another one came through.

    `seen_retry_count` is how often it had been retried when it was decided on: InvalidTransition if
    somebody has retried it since, so that asking twice retries once.
    """

    verb: ClassVar[str] = "retry"
    event: ClassVar[TransactionEventType] = TransactionEventType.RETRIED
    executes: ClassVar[bool] = True

    limit: int = 5
    may_exceed_limit: bool = False
    may_reverse: bool = False
    queued: bool = False
    seen_retry_count: int | None = None

    def decide(self, row: JournalRow, origin: Origin, now: datetime) -> dict[str, Any]:
        check_move(row.status, TransactionStatus.PENDING)
        if row.status != TransactionStatus.FAILED:
            raise InvalidTransition("Only a failed transaction can be retried.")
        if self.seen_retry_count not in (None, row.retry_count):
            raise InvalidTransition("It has been retried in the meantime.")
        if not is_retryable(row):
            raise NotRetryable(f"A transaction that failed by {row.failure_code} is final.")
        if row.retry_count >= self.limit and not self.may_exceed_limit:
            raise RetryLimit(f"It was retried {row.retry_count} times; a supervisor may go on.")
        if row.reverses_id:
            if not self.may_reverse:
                raise PermissionDenied("Whoever retries a reversal must be allowed to reverse.")
            check_not_reversed(row.reverses_id)
        overwritten = {"failure_code": row.failure_code, "failure_detail": row.failure_detail}
        row.status = TransactionStatus.PENDING
        row.failure_code = row.failure_detail = ""
        row.retry_count += 1
        row.approved_by_id = None
        # It queues behind those who wait now, and not where it stood when it failed.
        row.scheduled_for = now if self.queued else None
        return overwritten

    def check_not_reversed(self) -> None:
        """Raises AlreadyReversed if this is about a reversal and another one came through."""
        failed = Transaction.objects.get(pk=self.transaction_id)
        if failed.reverses_id and failed.status == TransactionStatus.FAILED:
            check_not_reversed(failed.reverses_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Decision):
    """PENDING -> FAILED by `cancelled`, before a worker starts it. Final."""

    verb: ClassVar[str] = "cancel"
    event: ClassVar[TransactionEventType] = TransactionEventType.CANCELLED

    def decide(self, row: JournalRow, origin: Origin, now: datetime) -> dict[str, Any]:
        _refuse(row, "cancelled")
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Decision):
    """PENDING -> FAILED by `rejected`: what waited for approval does not get it. Final."""

    verb: ClassVar[str] = "reject"
    event: ClassVar[TransactionEventType] = TransactionEventType.REJECTED

    def decide(self, row: JournalRow, origin: Origin, now: datetime) -> dict[str, Any]:
        _check_waits_for_approval(row)
        _refuse(row, "rejected")
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Decision):
    """Four eyes: someone else than who asked for it lets a large transaction go on.

    Raises SelfApproval for who asked for it, as its maker or by a retry; superusers included.
    """

    verb: ClassVar[str] = "approve"
    event: ClassVar[TransactionEventType] = TransactionEventType.APPROVED
    executes: ClassVar[bool] = True

    def decide(self, row: JournalRow, origin: Origin, now: datetime) -> dict[str, Any]:
        _check_waits_for_approval(row)
        retries = TransactionEvent.objects.filter(
            transaction_id=row.id, event=TransactionEventType.RETRIED
        )
        askers = {row.created_by_id, *retries.values_list("actor_id", flat=True)}
        if origin.user_id is None or origin.user_id in askers:
            raise SelfApproval("Nobody approves what they asked for.")
        row.approved_by_id = origin.user_id
        return {}


def is_retryable(row: JournalRow) -> bool:
    """Whether the failure may pass: by its code, unless something made it final."""
    kind = ERROR_KINDS.get(row.failure_code)
    return bool(kind and kind.retryable) and not row.is_final


def check_not_reversed(original_id: UUID) -> None:
    """Raises AlreadyReversed where a reversal waits or is posted. One that failed is none."""
    reversals = Transaction.objects.filter(reverses=original_id)
    if reversals.exclude(status=TransactionStatus.FAILED).exists():
        raise AlreadyReversed(f"Transaction {original_id} has a reversal already.")


def _check_waits_for_approval(row: JournalRow) -> None:
    waits = row.approval_required and row.approved_by_id is None
    if row.status != TransactionStatus.PENDING or not waits:
        raise InvalidTransition("The transaction does not wait for approval.")


def _refuse(row: JournalRow, code: str) -> None:
    """Ends the row. Customers read its detail; the reason, which is for staff, the event keeps."""
    if row.status != TransactionStatus.PENDING:
        raise InvalidTransition(f"The transaction is {row.status}, not PENDING.")
    row.status = TransactionStatus.FAILED
    row.failure_code = code
    row.failure_detail = f"{code.capitalize()} by the bank."
