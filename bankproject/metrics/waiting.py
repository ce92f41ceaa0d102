"""What metrics tell of what waits: due transactions, approvals, and holds."""

from collections.abc import Iterator

from accounts.selectors import waiting_limits
from bankproject.metrics.cache import Value
from core import clock
from desk.contents import waiting_files
from transactions.models import Hold, Transaction
from transactions.models.queries import HOLD_IS_OPEN, WAITS_FOR_APPROVAL
from transactions.reads.overview import queue_state

# More than these are not counted.
MOST_COUNTED = 10_000

# Name, meaning and labels of each.
DESCRIBED: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank_queue_transactions": ("Due transactions, 10,000 at most.", ()),
    "bank_queue_oldest_age_seconds": ("How long the oldest due transaction has waited.", ()),
    "bank_approvals_waiting": (
        "Transactions, limits and files that wait for a second person, 10,000 at most.",
        ("kind",),
    ),
    "bank_approvals_oldest_age_seconds": (
        "Age of the oldest that waits for a second person.",
        ("kind",),
    ),
    "bank_holds_open": ("Open holds, 10,000 at most.", ()),
}


def read_queue() -> Iterator[Value]:
    state = queue_state()
    yield "bank_queue_transactions", (), state.waiting
    yield "bank_queue_oldest_age_seconds", (), max(0.0, state.oldest_age.total_seconds())


def read_approvals() -> Iterator[Value]:
    movements = Transaction.objects.filter(WAITS_FOR_APPROVAL)
    now = clock.about_now()
    kinds = (
        ("transaction", movements, "created_at"),
        ("limit", waiting_limits(), "created_at"),
        ("file", waiting_files(), "uploaded_at"),
    )
    for kind, waiting, since in kinds:
        count = waiting.order_by()[:MOST_COUNTED].count()
        first = waiting.order_by(since).values_list(since, flat=True)[:1]
        age = max(((now - at).total_seconds() for at in first), default=0.0) if count else 0.0
        yield "bank_approvals_waiting", (kind,), count
        yield "bank_approvals_oldest_age_seconds", (kind,), max(0.0, age)


def read_holds() -> Iterator[Value]:
    still_open = Hold.objects.filter(HOLD_IS_OPEN).order_by()
    yield "bank_holds_open", (), still_open[:MOST_COUNTED].count()
