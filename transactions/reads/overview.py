"""The journal's activity of one day, at a cost that grows with the day and not with the journal.

A day is a range of ids, because ids carry their time. So no earlier row is read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from accounts.models import HOLDER, Account
from accounts.states import AccountKind
from core import clock
from core.identifiers import lowest_uuid7
from transactions.models import Transaction
from transactions.queue import waiting as queue

# The newest transactions are enough of a sample to find busy accounts.
NEWEST = 10_000
_MOST_QUEUED = 10_000


@dataclass(frozen=True, slots=True)
class Activity:
    """The number of transactions made in an interval, by type, status and failure."""

    interval: int
    type: str
    status: str
    failure_code: str
    count: int


def activity(intervals: Sequence[datetime], end: datetime) -> list[Activity]:
    """Counts by consecutive intervals that begin at these moments; the last ends at `end`.

    One statement over a range of ids. The interval of a row also comes from its id, so that neither
    database has to work with time zones.
    """
    if not intervals:
        return []
    ends = [
        When(pk__lt=lowest_uuid7(moment), then=Value(index))
        for index, moment in enumerate(intervals[1:])
    ]
    interval = Case(*ends, default=Value(len(intervals) - 1), output_field=IntegerField())
    groups = (
        _between(intervals[0], end)
        .values("type", "status", "failure_code", interval=interval)
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [Activity(**group) for group in groups]


def busiest_accounts(
    since: datetime, until: datetime, *, most: int = 5
) -> list[tuple[Account, int]]:
    """Customer accounts that the newest transactions of a period touch most often, with counts.

    Two statements; reads the newest `NEWEST` transactions of the period.
    """
    sides = _between(since, until).order_by("-pk").values_list("debit_account", "credit_account")
    touched: Counter[UUID] = Counter(one for pair in sides[:NEWEST] for one in pair)
    # Twice as many and 20 more, because the few cash accounts are among them.
    leading = dict(touched.most_common(most * 2 + 20))
    accounts = Account.objects.select_related(*HOLDER).filter(kind=AccountKind.CUSTOMER)
    found = accounts.in_bulk(list(leading))
    ranked = [(found[pk], count) for pk, count in leading.items() if pk in found]
    return ranked[:most]


@dataclass(frozen=True, slots=True)
class QueueState:
    """`waiting` counts the due transactions, up to a limit; `is_cut` if there are more."""

    waiting: int
    is_cut: bool
    oldest_age: timedelta


def queue_state() -> QueueState:
    now = clock.about_now()
    waiting = queue.due(now).order_by()[: _MOST_QUEUED + 1].count()
    is_cut = waiting > _MOST_QUEUED
    return QueueState(
        min(waiting, _MOST_QUEUED), is_cut, queue.lag(now) if waiting else timedelta()
    )


def _between(first: datetime, end: datetime) -> QuerySet[Transaction]:
    return Transaction.objects.filter(pk__gte=lowest_uuid7(first), pk__lt=lowest_uuid7(end))
