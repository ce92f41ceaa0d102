"""The numbers beside links of the navigation. Each costs a look into a small index, no more."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.selectors import waiting_limits
from bankproject.console.days import midnight
from core.identifiers import lowest_uuid7
from transactions.models import Transaction
from transactions.models.queries import WAITS_FOR_APPROVAL
from transactions.states import TransactionStatus

# Beyond that, a number beside a link says that there is more to do than one looks at.
_MOST = 99

# As its index says it: SQLite uses a partial index for what it reads in the statement itself only.
FAILED = Q(status=RawSQL(f"'{TransactionStatus.FAILED}'", ()))  # noqa: S611 - a constant


def approvals_waiting() -> str:
    """How many transactions and limits wait for a second person; nothing if none does."""
    waiting: list[QuerySet[Any]] = [Transaction.objects.filter(WAITS_FOR_APPROVAL)]
    if settings.BANK_APPROVAL_THRESHOLDS:  # Or no limit takes a second person.
        waiting.append(waiting_limits())
    return _shown(*waiting)


def failed_today() -> str:
    """How many of today's transactions have failed; nothing if none has."""
    today = Transaction.objects.filter(FAILED, pk__gte=lowest_uuid7(midnight()))
    return _shown(today)


def _shown(*kinds: QuerySet[Any]) -> str:
    count = sum(rows.order_by()[: _MOST + 1].count() for rows in kinds)
    return f"{_MOST}+" if count > _MOST else str(count or "")
