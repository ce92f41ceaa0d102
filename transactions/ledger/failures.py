"""Failed transactions: whether a failure is final, and whether it can be retried."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db.models import Exists, OuterRef, prefetch_related_objects

from core import errors
from transactions.models import Batch, HoldCapture, Transaction
from transactions.models.queries import FAILED
from transactions.states import TransactionStatus

# Another reversal of the same transaction that waits or is posted.
IS_OVERTAKEN = Exists(
    Transaction.objects.filter(reverses=OuterRef("reverses")).exclude(status=FAILED)
)
# A capture of a hold, which is captured again instead.
IS_CAPTURE = Exists(HoldCapture.objects.filter(pk=OuterRef("pk")))


def is_final(transaction: Transaction) -> bool:
    """Whether the failure is final: archived, the refused item of an atomic batch, a capture of a
    hold, or overtaken.

    A failed reversal is overtaken if another reversal of the same transaction waits or is posted.
    For a list, call `read_beforehand` first.
    """
    if transaction.archived_at is not None:
        return True
    if transaction.batch is not None and transaction.batch.atomic:
        return True
    if _may_be_capture(transaction):
        if transaction.is_capture is None:
            _tell_captures([transaction])
        return bool(transaction.is_capture)
    if not _may_be_overtaken(transaction):
        return False
    if transaction.is_overtaken is None:
        _tell_overtaken([transaction])
    return bool(transaction.is_overtaken)


class MayBeFinal(Protocol):
    """The columns that tell whether a failure is final."""

    @property
    def id(self) -> UUID: ...
    @property
    def status(self) -> str: ...
    @property
    def failure_code(self) -> str: ...
    @property
    def approval_required(self) -> bool: ...
    @property
    def reverses_id(self) -> UUID | None: ...
    @property
    def batch_id(self) -> UUID | None: ...
    @property
    def archived_at(self) -> datetime | None: ...


def final_ids(rows: Collection[MayBeFinal]) -> set[UUID]:
    """As `is_final`, of rows that are no instances: at most three statements, usually none."""
    captures = _captures({row.id for row in rows if _may_be_capture(row)})
    atomic = _atomic({row.batch_id for row in rows if row.batch_id is not None})
    overtaken = _overtaken(
        {row.reverses_id for row in rows if _may_be_overtaken(row) and row.reverses_id is not None}
    )
    return {
        row.id
        for row in rows
        if row.archived_at is not None
        or row.batch_id in atomic
        or row.id in captures
        or (_may_be_overtaken(row) and row.reverses_id in overtaken)
    }


def is_retryable(transaction: Transaction) -> bool:
    """Whether the transaction can be retried by `retry/`."""
    return errors.is_retryable(transaction.failure_code, is_final=is_final(transaction))


def read_beforehand(transactions: Collection[Transaction]) -> None:
    """Prefetches the data for `is_final`: at most three statements, usually none."""
    prefetch_related_objects(list(transactions), "batch")
    if some := [one for one in transactions if _may_be_capture(one)]:
        _tell_captures(some)
    if some := [one for one in transactions if _may_be_overtaken(one)]:
        _tell_overtaken(some)


def _may_be_overtaken(transaction: MayBeFinal) -> bool:
    return transaction.reverses_id is not None and transaction.status == TransactionStatus.FAILED


def _may_be_capture(transaction: MayBeFinal) -> bool:
    """Only a capture that waited for approval is stored when it fails; reversals are none."""
    return (
        transaction.approval_required
        and transaction.reverses_id is None
        and errors.is_retryable(transaction.failure_code, is_final=False)
    )


def _tell_captures(transactions: Collection[Transaction]) -> None:
    captures = _captures({one.pk for one in transactions})
    for transaction in transactions:
        transaction.is_capture = transaction.pk in captures


def _captures(ids: set[UUID]) -> set[UUID]:
    """Those of these transactions that capture a hold."""
    if not ids:
        return set()
    return set(HoldCapture.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _tell_overtaken(transactions: Collection[Transaction]) -> None:
    overtaken = _overtaken({one.reverses_id for one in transactions if one.reverses_id})
    for transaction in transactions:
        transaction.is_overtaken = transaction.reverses_id in overtaken


def _overtaken(reversed_ids: set[UUID]) -> set[UUID]:
    """Those of these transactions of which a reversal waits or is posted."""
    if not reversed_ids:
        return set()
    reversals = Transaction.objects.filter(reverses__in=reversed_ids).exclude(status=FAILED)
    return {one for one in reversals.values_list("reverses_id", flat=True) if one is not None}


def _atomic(batch_ids: set[UUID]) -> set[UUID]:
    """Those of these batches that are atomic."""
    if not batch_ids:
        return set()
    return set(Batch.objects.filter(pk__in=batch_ids, atomic=True).values_list("pk", flat=True))
