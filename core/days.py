"""Days of whoever looks, in the time zone that is active."""

from datetime import date, datetime, time

from django.utils import timezone

from core import clock


def today() -> date:
    """By the bank's clock."""
    return timezone.localdate(clock.about_now())


def midnight(day: date) -> datetime:
    """The moment when the day began."""
    return timezone.make_aware(datetime.combine(day, time.min))
