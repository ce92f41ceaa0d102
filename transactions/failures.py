"""What can be done about a transaction that failed."""

from core.errors import ERROR_KINDS
from transactions.models import Transaction


def is_final(transaction: Transaction) -> bool:
    """Whether it stays as it is: archived, or the refused item of an atomic batch.

    Lists read the batches of their rows beforehand (`prefetch_related("batch")`).
    """
    if transaction.archived_at is not None:
        return True
    return transaction.batch is not None and transaction.batch.atomic


def is_retryable(transaction: Transaction) -> bool:
    """Whether `retry/` may be asked for."""
    kind = ERROR_KINDS.get(transaction.failure_code)
    return bool(kind and kind.retryable) and not is_final(transaction)
