"""Decisions on existing transactions: retry, cancel, approve, reject.

A decision checks and changes its locked row in memory, writes it with an event, and posts it if
posting follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from accounts.self_dealing import refuse_self_dealing_by_id
from core.commands import Command, Origin
from core.errors import (
    InvalidTransition,
    NotRetryable,
    PermissionDenied,
    RetryLimit,
    SelfApproval,
    is_retryable,
)
from transactions.commands.reverse import check_not_reversed
from transactions.ledger import events, writer
from transactions.ledger.execution import needs_approval
from transactions.ledger.holds import capture_of, execute_stored
from transactions.ledger.journal import JournalRow
from transactions.ledger.run import Run
from transactions.models import Transaction, TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus, check_move


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Command[JournalRow]):
    """Base of the decisions. The event keeps the reason; `executes` means that posting follows."""

    event: ClassVar[TransactionEventType]
    executes: ClassVar[bool] = False
    locks_transactions: ClassVar[bool] = True

    transaction_id: UUID
    reason: str = ""

    def transaction_ids(self) -> tuple[UUID, ...]:
        return (self.transaction_id,)

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def account_ids_of(self, stored: Mapping[UUID, JournalRow]) -> tuple[UUID, ...]:
        return stored[self.transaction_id].customer_account_ids() if self.executes else ()

    def execute(self, run: Run) -> JournalRow:
        """Decides on the row, posts it if posting follows, and writes it with its events."""
        run.flush()
        row, origin = run.stored[self.transaction_id], run.origin
        if not self.executes:  # The accounts are not locked, so their owners were not checked.
            refuse_self_dealing_by_id(row.customer_account_ids(), origin)
        at, before = events.moment_after(row, run.now), row.status
        overwritten = self.decide(row, run)
        decided = events.transition(
            row,
            self.event,
            before=before,
            origin=origin,
            at=at,
            reason=self.reason,
            detail=overwritten,
        )
        writer.settle([row], {})
        recorded = [decided]
        if self.posts(row, at):
            at, before = events.moment_after(row, run.now), row.status
            execute_stored(row, run.accounts, origin, at)
            writer.settle([row], run.accounts)
            recorded.append(events.outcome(row, before=before, origin=origin, at=at))
        if run.totals is not None:
            run.totals.add(row)
        events.record(recorded)
        return row

    def posts(self, row: JournalRow, now: datetime) -> bool:
        """Whether the decided row is posted at once, not queued, scheduled or held for approval."""
        is_due = row.scheduled_for is None or row.scheduled_for <= now
        return self.executes and is_due and not row.waits_for_approval()

    def decide(self, row: JournalRow, run: Run) -> dict[str, Any]:
        """Changes the row at this moment; returns the overwritten values that the event keeps.

        Raises InvalidTransition, and the errors of the decision itself.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Decision):
    """FAILED -> PENDING: runs the same transaction again, under its id, and keeps its failure.

    Raises NotRetryable for a final failure and for a capture of a hold, PermissionDenied for a
    reversal unless `may_reverse`, RetryLimit beyond `limit` retries unless `may_exceed_limit`, and
    AlreadyReversed for a reversal if another one is posted or waits.

    `seen_retry_count` is the number of retries when the decision was made. Raises InvalidTransition
    if somebody has retried it since, so that two requests retry once.
    """

    verb: ClassVar[str] = "retry"
    event: ClassVar[TransactionEventType] = TransactionEventType.RETRIED
    executes: ClassVar[bool] = True

    limit: int = 5
    may_exceed_limit: bool = False
    may_reverse: bool = False
    queued: bool = False
    seen_retry_count: int | None = None

    def decide(self, row: JournalRow, run: Run) -> dict[str, Any]:
        check_move(row.status, TransactionStatus.PENDING)
        if row.status != TransactionStatus.FAILED:
            raise InvalidTransition("Only a failed transaction can be retried.")
        if self.seen_retry_count not in (None, row.retry_count):
            raise InvalidTransition("The transaction has been retried in the meantime.")
        if not is_retryable(row.failure_code, is_final=row.is_final):
            raise NotRetryable(f"A transaction that failed by {row.failure_code} is final.")
        if row.retry_count >= self.limit and not self.may_exceed_limit:
            raise RetryLimit(
                f"Retried {row.retry_count} times already; a supervisor may retry again."
            )
        if row.approval_required and capture_of(row.id):
            raise NotRetryable("A capture is not retried: capture the hold again.")
        if row.reverses_id:
            if not self.may_reverse:
                raise PermissionDenied("To retry a reversal, you need the right to reverse.")
            check_not_reversed(row.reverses_id)
        overwritten = {"failure_code": row.failure_code, "failure_detail": row.failure_detail}
        row.status = TransactionStatus.PENDING
        row.failure_code = row.failure_detail = ""
        row.retry_count += 1
        row.approved_by_id = None
        # The transaction joins the end of the queue, and not its place before the failure.
        row.scheduled_for = run.now if self.queued else None
        row.approval_required = needs_approval(row, run.totals)
        return overwritten

    def makers(
        self, origin: Origin, stored: Mapping[UUID, JournalRow]
    ) -> tuple[tuple[int | None, datetime]]:
        """A retry counts on the day of the original request."""
        row = stored[self.transaction_id]
        return ((row.created_by_id, row.created_at),)

    def posts(self, row: JournalRow, now: datetime) -> bool:
        return not self.queued and Decision.posts(self, row, now)

    def explain_conflict(self) -> None:
        """Raises AlreadyReversed if this is a reversal and another one is posted or waits."""
        failed = Transaction.objects.get(pk=self.transaction_id)
        if failed.reverses_id and failed.status == TransactionStatus.FAILED:
            check_not_reversed(failed.reverses_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Decision):
    """PENDING -> FAILED by `cancelled`, before a worker starts it. Final."""

    verb: ClassVar[str] = "cancel"
    event: ClassVar[TransactionEventType] = TransactionEventType.CANCELLED

    def decide(self, row: JournalRow, run: Run) -> dict[str, Any]:
        _refuse(row, "cancelled")
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Decision):
    """PENDING -> FAILED by `rejected`, for a transaction that waits for approval. Final.

    Raises SelfApproval for its maker and for those who retried it: to withdraw it is `Cancel`.
    """

    verb: ClassVar[str] = "reject"
    event: ClassVar[TransactionEventType] = TransactionEventType.REJECTED

    def decide(self, row: JournalRow, run: Run) -> dict[str, Any]:
        _check_waits_for_approval(row)
        if run.origin.user_id is not None and run.origin.user_id in askers_of(row):
            raise SelfApproval("Nobody decides on their own request.")
        _refuse(row, "rejected")
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Decision):
    """Lets a large transaction go on, by a second person (four eyes).

    Raises SelfApproval for its maker and for those who retried it, superusers included.
    """

    verb: ClassVar[str] = "approve"
    event: ClassVar[TransactionEventType] = TransactionEventType.APPROVED
    executes: ClassVar[bool] = True

    def decide(self, row: JournalRow, run: Run) -> dict[str, Any]:
        _check_waits_for_approval(row)
        if run.origin.user_id is None or run.origin.user_id in askers_of(row):
            raise SelfApproval("Nobody decides on their own request.")
        row.approved_by_id = run.origin.user_id
        return {}


def askers_of(row: JournalRow | Transaction) -> set[int | None]:
    """The users who may not decide on the transaction: its maker, and everyone who retried it."""
    retries = TransactionEvent.objects.filter(
        transaction_id=row.id, event=TransactionEventType.RETRIED
    )
    return {row.created_by_id, *retries.values_list("actor_id", flat=True)}


def _check_waits_for_approval(row: JournalRow) -> None:
    if row.status != TransactionStatus.PENDING or not row.waits_for_approval():
        raise InvalidTransition("The transaction does not wait for approval.")


def _refuse(row: JournalRow, code: str) -> None:
    """Ends the row. Customers read its detail; the event keeps the reason, which is for staff."""
    if row.status != TransactionStatus.PENDING:
        raise InvalidTransition(f"The transaction is {row.status}, not PENDING.")
    row.status = TransactionStatus.FAILED
    row.failure_code = code
    row.failure_detail = f"{code.capitalize()} by the bank."
