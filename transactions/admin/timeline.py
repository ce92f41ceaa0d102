"""The timeline of a transaction for its page: who did what, when and why, with which outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.console.admin import for_staff, in_words
from transactions.admin.filters import shown_failure
from transactions.models import Transaction, TransactionEvent
from transactions.states import TransactionEventType, TransactionStatus

# The number of events shown, newest first; the list of events has the others.
MOST_EVENTS = 50

_WORDS = dict(TransactionEventType.choices)


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """`status` is the status after the step; `failure` is the reason of a failure."""

    at: datetime
    what: str
    who: str
    status: TransactionStatus
    failure: str = ""
    reason: str = ""
    attempt: int = 0
    request_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Steps, oldest first. `is_cut` if older ones are left out."""

    steps: list[TimelineStep]
    is_cut: bool


def timeline(transaction: Transaction) -> Timeline:
    """One statement for the events. The row itself has the steps before the first event."""
    newest = TransactionEvent.objects.filter(transaction=transaction).select_related("actor")
    found = list(newest.order_by("-id")[: MOST_EVENTS + 1])
    is_cut = len(found) > MOST_EVENTS
    kept = found[:MOST_EVENTS][::-1]
    beginning = [] if is_cut else _beginning(transaction, kept)
    return Timeline([*beginning, *(_step(event) for event in kept)], is_cut)


def caller_in_words(caller: str) -> str:
    """Words for a caller that is no user: "client:ab12" is API client ab12."""
    kind, _, name = caller.partition(":")
    kinds = {"client": "API client", "worker": "worker", "job": "job", "user": "user"}
    return f"{kinds[kind]} {name}" if kind in kinds else caller


def through_in_words(caller: str | None) -> str:
    """The way of a request, by the caller of its idempotency key; "" if the caller is the user.

    A request without a key does not record its way.
    """
    if caller is None:
        return "by hand or by a program"
    return f"through {caller_in_words(caller)}" if caller.startswith("client:") else ""


def maker_in_words(transaction: Transaction) -> str:
    """Who asked for a transaction, and by which way."""
    if transaction.created_by is None:
        return "a job of the bank"
    through = through_in_words(transaction.idempotency_caller)
    return ", ".join(filter(None, (transaction.created_by.get_username(), through)))


def _beginning(transaction: Transaction, later: Sequence[TransactionEvent]) -> list[TimelineStep]:
    """The step of the request, and of its immediate outcome."""
    status = TransactionStatus(later[0].from_status if later else transaction.status)
    asked = TimelineStep(
        transaction.created_at,
        "Asked for",
        maker_in_words(transaction),
        TransactionStatus.PENDING,
        request_id=transaction.request_id or "",
        address=transaction.address or "",
    )
    if status == TransactionStatus.COMPLETED:
        assert transaction.completed_at is not None, "A completed transaction has its time."
        return [asked, TimelineStep(transaction.completed_at, "Completed", "", status)]
    if status == TransactionStatus.FAILED:
        # A retry overwrites the failure in the row, but its event keeps it.
        failure = (
            later[0].detail
            if later
            else {
                "failure_code": transaction.failure_code,
                "failure_detail": transaction.failure_detail,
            }
        )
        at = transaction.created_at if later else transaction.updated_at
        return [asked, TimelineStep(at, "Failed", "", status, _failure(failure))]
    return [asked]


def _step(event: TransactionEvent) -> TimelineStep:
    status = TransactionStatus(event.to_status)
    return TimelineStep(
        at=event.at,
        what=_WORDS.get(event.event, in_words(event.event)),
        who=event.actor.get_username() if event.actor else caller_in_words(event.caller),
        status=status,
        failure=_failure(event.detail) if status == TransactionStatus.FAILED else "",
        reason=event.reason,
        attempt=event.attempt,
        request_id=event.request_id,
        address=event.address or "",
    )


def _failure(detail: dict[str, str]) -> str:
    code = detail.get("failure_code", "")
    if not code:
        return ""
    return for_staff(f"{shown_failure(code)}: {detail.get('failure_detail', '')}")
