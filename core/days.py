"""Days in the active time zone, that of the current user."""

from datetime import date, datetime, time, tzinfo

from django.utils import timezone

from core import clock


def today() -> date:
    """Today by the bank's clock."""
    return timezone.localdate(clock.about_now())


def midnight(day: date, zone: tzinfo | None = None) -> datetime:
    """The moment at which the day began, in `zone` or else in the active time zone."""
    return timezone.make_aware(datetime.combine(day, time.min), zone)
