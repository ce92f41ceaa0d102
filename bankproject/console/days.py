"""The day of whoever looks, in the time zone that is active."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core import days


def midnight(days_ahead: int = 0) -> datetime:
    """When this day began, or another one."""
    return days.midnight(days.today() + timedelta(days=days_ahead))


def hours_of_today() -> list[datetime]:
    """The beginning of each hour of this day: 24 of them, or 23 or 25 where a clock is put on."""
    moment, end = midnight(), midnight(1)
    hours = []
    while moment < end:
        hours.append(moment)
        # In absolute time: a sum of a local time would repeat or leave out an hour.
        moment = timezone.localtime(moment.astimezone(UTC) + timedelta(hours=1))
    return hours
