"""Days in the active time zone, that of the current user."""

import re
from datetime import date, datetime, time, tzinfo

from django.utils import timezone
from django.utils.formats import date_format

from core import clock

_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_day(text: str) -> bool:
    """Whether the text is written like 2026-01-31 (RFC 3339, full-date): there may be no such day.

    `date.fromisoformat` takes weeks and days without hyphens as well.
    """
    return _FULL_DATE.fullmatch(text) is not None


def today() -> date:
    """Today by the bank's clock."""
    return timezone.localdate(clock.about_now())


def shown_moment(moment: datetime) -> str:
    """The moment in the active time zone, with the zone: "2026-01-31 09:30:00 UTC"."""
    return str(date_format(timezone.localtime(moment), "DATETIME_FORMAT"))


def midnight(day: date, zone: tzinfo | None = None) -> datetime:
    """The moment at which the day began, in `zone` or else in the active time zone."""
    return timezone.make_aware(datetime.combine(day, time.min), zone)
