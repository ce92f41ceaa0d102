"""Words and figures that the documents share."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from statements.documents.content import StatementContent

_TICK = timedelta(microseconds=1)


def shown(amount: Decimal, digits: int) -> str:
    """With thousands separators, and never as "-0.00"."""
    return f"{amount + 0:,.{digits}f}"


def day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def days_of(content: StatementContent) -> tuple[date, date]:
    """The first and the last day of the period, which ends before `end`."""
    last = max(content.start, content.end - _TICK)
    return day(content.start, content.time_zone), day(last, content.time_zone)


def moment_in_words(moment: datetime, zone: ZoneInfo) -> str:
    """To the second, with the zone: "2026-10-05 11:30:00 CEST"."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def heading_of(content: StatementContent) -> str:
    return "Interim statement" if content.is_interim else f"Statement No. {content.number}"


def period_in_words(content: StatementContent) -> str:
    """The days of the period, or its moments if it does not begin and end at midnight."""
    start = content.start.astimezone(content.time_zone)
    end = content.end.astimezone(content.time_zone)
    zone = content.time_zone.key
    if _is_midnight(start) and _is_midnight(end) and start < end:
        first, last = days_of(content)
        return f"{first} to {last} ({zone})"
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} ({zone})"


def _is_midnight(moment: datetime) -> bool:
    return not (moment.hour or moment.minute or moment.second or moment.microsecond)
