"""The numbers beside links of the navigation. Each costs one read of a small index."""

from typing import Any

from django.db.models import QuerySet

from accounts.selectors import waiting_limits
from bankproject.console.days import midnight
from core.identifiers import lowest_uuid7
from desk.contents import waiting_files
from transactions.admin.filters import WENT_WRONG
from transactions.models import Transaction
from transactions.models.queries import WAITS_FOR_APPROVAL

SEES_LIMITS = "accounts.view_limitrequest"
SEES_FILES = "desk.view_deskfile"

# A higher number is shown as "more than" this one: nobody needs it exactly.
_MOST = 99


def approvals_waiting(user: Any) -> str:
    """The number of transactions, limits and files that wait for a second person; empty if none.

    Call it for a user who may view transactions. The others count if the user may view them.
    """
    waiting: list[QuerySet[Any]] = [Transaction.objects.filter(WAITS_FOR_APPROVAL)]
    if user.has_perm(SEES_LIMITS):
        waiting.append(waiting_limits())
    if user.has_perm(SEES_FILES):
        waiting.append(waiting_files())
    return _shown(*waiting)


def failed_today() -> str:
    """The number of today's transactions that went wrong; empty if none.

    Those that somebody rejected or cancelled, or that nobody approved in time, do not count.
    """
    today = Transaction.objects.filter(WENT_WRONG, pk__gte=lowest_uuid7(midnight()))
    return _shown(today)


def _shown(*kinds: QuerySet[Any]) -> str:
    first, *others = (rows.order_by().values("pk") for rows in kinds)
    count = first.union(*others, all=True)[: _MOST + 1].count()
    return f"{_MOST}+" if count > _MOST else str(count or "")
