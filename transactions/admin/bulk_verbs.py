"""What can be done with several transactions at once: a command of each, and its right."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.commands import Command
from transactions.admin.decisions import APPROVE, RETRY, REVERSE, is_pending, is_reversible
from transactions.admin.filters import is_reversed
from transactions.api.retrying import retry_by
from transactions.commands import Approve, Cancel, Reject, Reverse
from transactions.ledger.failures import is_retryable
from transactions.models import Transaction


@dataclass(frozen=True, slots=True)
class Verb:
    """An action. `can_be` predicts which rows will succeed; the command decides."""

    title: str
    right: str
    # Called with the user, the transaction as it was shown, and the reason.
    make: Callable[[Any, Transaction, str], Command]
    can_be: Callable[[Transaction], bool]


VERBS = {
    "retry": Verb(
        "Retry",
        RETRY,
        lambda user, seen, reason: retry_by(
            user, transaction_id=seen.pk, reason=reason, seen_retry_count=seen.retry_count
        ),
        is_retryable,
    ),
    "reverse": Verb(
        "Reverse",
        REVERSE,
        lambda _user, seen, reason: Reverse(transaction_id=seen.pk, reason=reason),
        # Rows of the list know whether they are reversed.
        lambda seen: is_reversible(seen) and not is_reversed(seen),
    ),
    "cancel": Verb(
        "Cancel",
        RETRY,
        lambda _user, seen, reason: Cancel(transaction_id=seen.pk, reason=reason),
        is_pending,
    ),
    "approve": Verb(
        "Approve",
        APPROVE,
        lambda _user, seen, reason: Approve(transaction_id=seen.pk, reason=reason),
        Transaction.waits_for_approval,
    ),
    "reject": Verb(
        "Reject",
        APPROVE,
        lambda _user, seen, reason: Reject(transaction_id=seen.pk, reason=reason),
        Transaction.waits_for_approval,
    ),
}
