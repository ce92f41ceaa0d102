"""Periods of statements: calendar months in the bank's time zone."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.errors import FieldError, InvalidInput
from transactions.statistics.spans import Calendar, next_month

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month by its first day. Written as 2026-10."""

    first: date

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Raises InvalidInput, naming the parameter `period`."""
        match = _MONTH.fullmatch(text)
        if not match or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
            raise wrong_period("invalid", f'"{text[:40]}" is no month, like 2026-10.')
        return cls(date(int(match[1]), int(match[2]), 1))

    @classmethod
    def of(cls, moment: datetime, calendar: Calendar) -> "Month":
        """The month with this moment."""
        return cls(calendar.day_of(moment).replace(day=1))

    @property
    def next(self) -> "Month":
        return Month(next_month(self.first))

    @property
    def previous(self) -> "Month":
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def starts_at(self, calendar: Calendar) -> datetime:
        """Its first midnight, in UTC."""
        return calendar.start_of(self.first)

    def ends_at(self, calendar: Calendar) -> datetime:
        """The first midnight after it, in UTC."""
        return calendar.start_of(self.next.first)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


def wrong_period(code: str, detail: str) -> InvalidInput:
    """The error for a month for which no statement can be issued."""
    return InvalidInput(detail, errors=[FieldError("period", code, detail)])
