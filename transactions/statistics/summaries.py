"""Makes the summaries of closed days, from the journal alone.

A day is closed once nothing more can be completed on it: its end has passed, and every database
transaction that was under way then has ended. A completed transaction never changes. So a summary
is made once, and nobody has to keep it up to date: no statement of the money path knows of it.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connection

from core import clock, timeouts
from core.identifiers import moment_of
from core.settled import settled_moment
from transactions.models import DaySummary, Transaction
from transactions.statistics.cells import Cells, Sum, stored
from transactions.statistics.journal import Group, completed, completed_since, groups
from transactions.statistics.spans import Calendar
from transactions.statistics.state import archived_since, covered_until

# The journal is read in parts of this many days.
DAYS_AT_ONCE = 31


def _unstopped() -> bool:
    return False


def _unwatched(_days: int) -> None:
    """Tells nobody."""


def make_summaries(
    *, stopping: Callable[[], bool] = _unstopped, progress: Callable[[int], None] = _unwatched
) -> int:
    """Summarises all closed days that have no summary yet; returns their number.

    Any number of processes may do it at once. After each month it tells `progress` the number of
    days, and asks `stopping`. Raises Busy if a database transaction under way does not end in time;
    try again later. Do not call it inside a transaction.
    """
    calendar = Calendar()
    oldest = oldest_day(calendar)
    if oldest is None:
        return 0
    first = covered_until(calendar) or oldest
    if first >= calendar.day_of(clock.now()):
        return 0
    end = calendar.day_of(settled_moment())
    made = 0
    with timeouts.switched_off(connection, "statement_timeout"):
        for summaries in _parts(calendar, first, end, oldest):
            # Another process may have made the same ones: they are equal.
            DaySummary.objects.bulk_create(summaries, ignore_conflicts=True)
            made += len(summaries)
            progress(len(summaries))
            if stopping():
                break
    return made


def days_to_summarise() -> int:
    """How many days before today have no summary yet."""
    calendar = Calendar()
    first = covered_until(calendar) or oldest_day(calendar)
    return 0 if first is None else max(0, (calendar.day_of(clock.now()) - first).days)


def summaries_of(
    calendar: Calendar, first: date, end: date, *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[DaySummary]:
    """Summaries, not stored, of the days from `first` up to `end`. These must be closed.

    `first` is the day on which the oldest transaction was made, or an earlier one.
    """
    for part in _parts(calendar, first, end, first, using=using):
        yield from part


def oldest_day(calendar: Calendar, using: str = DEFAULT_DB_ALIAS) -> date | None:
    """The day on which the oldest transaction was made; None without transactions."""
    rows = Transaction.objects.using(using).order_by("pk").values_list("pk", flat=True)
    oldest = rows.first()
    return None if oldest is None else calendar.day_of(moment_of(oldest))


def _parts(
    calendar: Calendar, first: date, end: date, oldest: date, *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[list[DaySummary]]:
    """The summaries of some days at a time.

    Each transaction is read once, with those made on the same days. A transaction completed on
    a later day waits in memory for the summary of that day.
    """
    ends_at = calendar.start_of(end)
    waiting: dict[date, _Day] = {}
    if oldest < first:
        _add(waiting, calendar, _late(calendar, oldest, first, ends_at, using))
    while first < end:
        stop = min(first + timedelta(days=DAYS_AT_ONCE), end)
        made = calendar.start_of(first), calendar.start_of(stop)
        _add(waiting, calendar, groups([completed(made, ends_at)], with_posted=True, using=using))
        days = (first + timedelta(days=ahead) for ahead in range((stop - first).days))
        yield [waiting.pop(day, _Day()).summary(calendar, day) for day in days]
        first = stop


def _late(
    calendar: Calendar, oldest: date, first: date, ends_at: datetime, using: str
) -> Iterator[Group]:
    """Transactions made before the day `first` and completed since."""
    since = calendar.start_of(first)
    late = completed_since(
        since,
        (calendar.start_of(oldest), since),
        before=ends_at,
        with_archived=archived_since(since),
    )
    return groups([late], with_posted=True, using=using)


class _Day:
    """The transactions completed on one day."""

    def __init__(self) -> None:
        self.days: Cells = {}
        self.hours: Cells = {}

    def add(self, group: Group, calendar: Calendar) -> None:
        day = calendar.day_of_quarter(group.made).isoformat()
        hour = calendar.hour_of_quarter(group.made)
        self.days.setdefault((day, group.type, group.currency), Sum()).add(group)
        self.hours.setdefault((hour, group.type, group.currency), Sum()).add(group)

    def summary(self, calendar: Calendar, day: date) -> DaySummary:
        return DaySummary(
            zone=calendar.name,
            day=day,
            first_made=min((date.fromisoformat(made) for made, _, _ in self.days), default=None),
            rows=sum(cell.count for cell in self.days.values()),
            days=stored(self.days),
            hours=stored(self.hours),
            made_at=clock.about_now(),
        )


def _add(waiting: dict[date, _Day], calendar: Calendar, found: Iterator[Group]) -> None:
    for group in found:
        assert group.posted is not None
        day = calendar.day_of_quarter(group.posted)
        waiting.setdefault(day, _Day()).add(group, calendar)
