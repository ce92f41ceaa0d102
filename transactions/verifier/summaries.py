"""S1: the summaries of closed days equal the journal."""

from datetime import date, timedelta

from django.db.backends.base.base import BaseDatabaseWrapper

from transactions.models import DaySummary
from transactions.statistics.spans import Calendar
from transactions.statistics.summaries import oldest_day, summaries_of
from transactions.verifier.report import Collector, Place

_CODE = "S1.summary_differs"
_SAYS = "The summary of a closed day has what the journal has completed on it."


def check(connection: BaseDatabaseWrapper, found: Collector) -> None:
    """Recomputes each summary from the journal, and compares. Reads the journal once.

    Only the bank's present time zone counts: nobody reads summaries of another one.
    """
    calendar = Calendar()
    stored = DaySummary.objects.using(connection.alias).filter(zone=calendar.name).order_by("day")
    days = list(stored.values_list("day", flat=True))
    first = oldest_day(calendar, connection.alias)
    if not days or first is None:
        return
    first = min(first, days[0])
    expected = summaries_of(calendar, first, days[-1] + timedelta(days=1), using=connection.alias)
    kept = stored.iterator(chunk_size=31)
    one: DaySummary | None = next(kept)
    for summary in expected:
        if one is not None and one.day == summary.day:
            if _content(one) != _content(summary):
                found.add(_CODE, _SAYS, _place(summary.day, summary, one))
            one = next(kept, None)
        else:
            found.add(_CODE, _SAYS, _place(summary.day, summary, None))


def _content(summary: DaySummary) -> tuple[object, ...]:
    return summary.first_made, summary.rows, summary.days, summary.hours


def _place(day: date, expected: DaySummary, stored: DaySummary | None) -> Place:
    if stored is None:
        found = "no summary"
    elif stored.rows == expected.rows:
        found = "as many, with other sums or times"
    else:
        found = f"{stored.rows} transactions"
    return Place({"day": day.isoformat()}, f"{expected.rows} transactions", found)
