"""The numbers beside links of the navigation. Each costs a look into a small index, no more."""

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from bankproject.console.days import midnight
from core.identifiers import lowest_uuid7
from transactions.approval import WAITS_FOR_APPROVAL
from transactions.models import Transaction
from transactions.states import TransactionStatus

# Beyond that, a number beside a link says that there is more to do than one looks at.
_MOST = 99

# As its index says it: SQLite uses a partial index for what it reads in the statement itself only.
FAILED = Q(status=RawSQL(f"'{TransactionStatus.FAILED}'", ()))  # noqa: S611 - a constant


def approvals_waiting() -> str:
    """How many transactions wait for approval; nothing if none does."""
    return _shown(Transaction.objects.filter(WAITS_FOR_APPROVAL))


def failed_today() -> str:
    """How many of today's transactions have failed; nothing if none has."""
    today = Transaction.objects.filter(FAILED, pk__gte=lowest_uuid7(midnight()))
    return _shown(today)


def _shown(rows: QuerySet[Transaction]) -> str:
    count = rows.order_by()[: _MOST + 1].count()
    return f"{_MOST}+" if count > _MOST else str(count or "")
