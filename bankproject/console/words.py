"""Formats durations and links on the bank's own pages."""

from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from core.days import shown_moment, today
from core.errors import FAILURES_BY_DECISION
from transactions.admin.filters import FailureFilter
from transactions.reads.overview import Activity
from transactions.states import TransactionStatus

at = shown_moment
# What failed by a decision of somebody, or of time: it includes what has expired.
DECIDED = "Rejected or cancelled"


def in_words(age: timedelta) -> str:
    """The duration in its two largest units: "3 min 20 s"."""
    seconds = int(age.total_seconds())
    sizes = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    parts = []
    for unit, size in sizes.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a second"


def list_link(model: str, **filters: str) -> str:
    """The URL of a model's list ("transactions_transaction") with these filters."""
    page = reverse(f"admin:{model}_changelist")
    return f"{page}?{urlencode(filters)}" if filters else page


def transactions_of_today(**filters: str) -> str:
    """The URL of the list of today's transactions, in the active time zone."""
    day = today().isoformat()
    filters = {"created_at_from": day, "created_at_to": day, **filters}
    return list_link("transactions_transaction", **filters)


def faults_of_today() -> str:
    """The URL of the list of today's transactions that went wrong: what the menu counts."""
    return transactions_of_today(failure_code=FailureFilter.any_fault)


def went_wrong(one: Activity) -> bool:
    """Whether these have failed, and not by somebody's decision."""
    return one.status == TransactionStatus.FAILED and one.failure_code not in FAILURES_BY_DECISION
