"""The reach of the summaries, and whether an index has the completed transactions after it."""

from datetime import date, datetime, timedelta

from django.db.models import Q

from transactions.models import ArchiveRun, DaySummary
from transactions.statistics.spans import Calendar


def covered_until(calendar: Calendar) -> date | None:
    """The day after the last summary; None without summaries. They have no gap before it."""
    days = DaySummary.objects.filter(zone=calendar.name).order_by("-day")
    last = days.values_list("day", flat=True).first()
    return None if last is None else last + timedelta(days=1)


def archived_since(moment: datetime) -> bool:
    """Whether a transaction completed at `moment` or later may be archived.

    Such transactions are in no index by the time of their completion.
    """
    runs = ArchiveRun.objects.filter(Q(finished_at__isnull=True) | Q(finished_at__gte=moment))
    return any(
        "before" not in bounds or datetime.fromisoformat(bounds["before"]) > moment
        for bounds in runs.values_list("bounds", flat=True)
    )
