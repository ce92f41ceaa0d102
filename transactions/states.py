"""The states of a transaction and their transitions, as a pure table.

    [new] -> PENDING                created
    PENDING -> PROCESSING           a worker starts it
    PENDING -> COMPLETED            direct completion, in the database transaction that inserts it
    PENDING -> FAILED               refused, rejected, cancelled or expired
    PROCESSING -> COMPLETED         success
    PROCESSING -> FAILED            processing error or refusal
    PROCESSING -> PENDING           only when a worker's lease expired (nothing had been posted)
    FAILED -> PENDING               retry, requested explicitly
    COMPLETED                       final

A synchronous command passes PENDING inside one database transaction, so that its row is inserted as
COMPLETED or FAILED. The database's guard of the column is made from this table.
"""

from django.db import models

from core.errors import InvalidTransition


class TransactionType(models.TextChoices):
    DEPOSIT = "DEPOSIT", "Deposit"
    WITHDRAW = "WITHDRAW", "Withdrawal"
    TRANSFER = "TRANSFER", "Transfer"
    REVERSAL = "REVERSAL", "Reversal"


class TransactionStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    PROCESSING = "PROCESSING", "Processing"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"


class TransactionEventType(models.TextChoices):
    """Changes of a transaction after its creation: by a worker, by a person, or by time."""

    STARTED = "STARTED", "Started by a worker"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    RELEASED = "RELEASED", "Given back to the queue"
    LEASE_LOST = "LEASE_LOST", "Taken back from a worker that fell silent"
    EXPIRED = "EXPIRED", "Nobody approved it in time"
    RETRIED = "RETRIED", "Retried"
    CANCELLED = "CANCELLED", "Cancelled"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"


class HoldStatus(models.TextChoices):
    """The status of a hold. OPEN reserves money; the others are final."""

    OPEN = "OPEN", "Open"
    CAPTURED = "CAPTURED", "Captured"
    VOIDED = "VOIDED", "Voided"
    EXPIRED = "EXPIRED", "Expired"


class HoldEventType(models.TextChoices):
    """What became of a hold. A capture of a part leaves it open."""

    PLACED = "PLACED", "Placed"
    CAPTURED = "CAPTURED", "Captured"
    VOIDED = "VOIDED", "Voided"
    EXPIRED = "EXPIRED", "Expired"


class HoldAction(models.TextChoices):
    """What an item of a batch does about a hold."""

    HOLD = "HOLD", "Hold"
    CAPTURE = "CAPTURE", "Capture"
    VOID = "VOID", "Void"


TRANSITIONS: dict[TransactionStatus, frozenset[TransactionStatus]] = {
    TransactionStatus.PENDING: frozenset(
        {TransactionStatus.PROCESSING, TransactionStatus.COMPLETED, TransactionStatus.FAILED}
    ),
    TransactionStatus.PROCESSING: frozenset(
        {TransactionStatus.COMPLETED, TransactionStatus.FAILED, TransactionStatus.PENDING}
    ),
    TransactionStatus.FAILED: frozenset({TransactionStatus.PENDING}),
    TransactionStatus.COMPLETED: frozenset(),
}

# Initial states of a row: queued, or with the outcome of direct completion.
INITIAL: frozenset[TransactionStatus] = frozenset(
    {TransactionStatus.PENDING, TransactionStatus.COMPLETED, TransactionStatus.FAILED}
)

# Not settled yet: an account with such a transaction cannot be closed.
OPEN: frozenset[TransactionStatus] = frozenset(
    {TransactionStatus.PENDING, TransactionStatus.PROCESSING}
)


def can_move(current: TransactionStatus, target: TransactionStatus) -> bool:
    """Whether the table has this step."""
    return target in TRANSITIONS[current]


def check_move(current: TransactionStatus, target: TransactionStatus) -> None:
    """Raises InvalidTransition for a step that is not in the table."""
    if not can_move(current, target):
        raise InvalidTransition(f"A transaction cannot go from {current} to {target}.")
