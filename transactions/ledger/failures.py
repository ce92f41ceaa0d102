"""Failed transactions: whether a failure is final, and whether it can be retried."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, prefetch_related_objects

from core import errors
from transactions.models import Transaction
from transactions.states import TransactionStatus

# Another reversal of the same transaction that waits or is posted.
IS_OVERTAKEN = Exists(
    Transaction.objects.filter(reverses=OuterRef("reverses")).exclude(
        status=TransactionStatus.FAILED
    )
)


def is_final(transaction: Transaction) -> bool:
    """Whether the failure is final: archived, the refused item of an atomic batch, or overtaken.

    A failed reversal is overtaken if another reversal of the same transaction waits or is posted.
    For a list, call `read_beforehand` first.
    """
    if transaction.archived_at is not None:
        return True
    if transaction.batch is not None and transaction.batch.atomic:
        return True
    if not _may_be_overtaken(transaction):
        return False
    if transaction.is_overtaken is None:
        _tell_overtaken([transaction])
    return bool(transaction.is_overtaken)


def is_retryable(transaction: Transaction) -> bool:
    """Whether the transaction can be retried by `retry/`."""
    return errors.is_retryable(transaction.failure_code, is_final=is_final(transaction))


def read_beforehand(transactions: Collection[Transaction]) -> None:
    """Prefetches the data for `is_final`: at most two statements, usually none."""
    prefetch_related_objects(list(transactions), "batch")
    if some := [one for one in transactions if _may_be_overtaken(one)]:
        _tell_overtaken(some)


def _may_be_overtaken(transaction: Transaction) -> bool:
    return transaction.reverses_id is not None and transaction.status == TransactionStatus.FAILED


def _tell_overtaken(transactions: Collection[Transaction]) -> None:
    reversals = Transaction.objects.filter(reverses__in={one.reverses_id for one in transactions})
    others = reversals.exclude(status=TransactionStatus.FAILED)
    reversed_ids = set(others.values_list("reverses_id", flat=True))
    for transaction in transactions:
        transaction.is_overtaken = transaction.reverses_id in reversed_ids
