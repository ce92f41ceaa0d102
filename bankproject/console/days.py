"""The user's day, in the active time zone."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core import days


def midnight(days_ahead: int = 0) -> datetime:
    """The start of today, or of the day `days_ahead`."""
    return days.midnight(days.today() + timedelta(days=days_ahead))


def hours_of_today() -> list[datetime]:
    """The start of each hour of today: 24 hours, or 23 or 25 when the clocks change."""
    moment, end = midnight(), midnight(1)
    hours = []
    while moment < end:
        hours.append(moment)
        # Adds hours in UTC: in local time one would be repeated or left out when the clocks change.
        moment = timezone.localtime(moment.astimezone(UTC) + timedelta(hours=1))
    return hours
