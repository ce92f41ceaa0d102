"""Days of whoever looks, in the time zone that is active."""

from datetime import date, datetime, time

from django.utils import timezone


def midnight(day: date) -> datetime:
    """The moment when the day began."""
    return timezone.make_aware(datetime.combine(day, time.min))
