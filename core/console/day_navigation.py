"""Navigation by day through a list: years, months, then days, from its first row to today.

It replaces Django's date hierarchy, which reads the dates of the whole table. This one reads a
single id from the index: a row's UUIDv7 contains its time of creation. So it also offers days on
which nothing happened.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from core import days
from core.identifiers import moment_of


class Size(IntEnum):
    """The size of a span of days; a smaller span lies within a larger one."""

    ALL = 0
    YEAR = 1
    MONTH = 2
    DAY = 3


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included: a whole year, a whole month, or one day."""

    size: Size
    first: date
    last: date
    words: str

    @classmethod
    def around(cls, day: date, size: Size) -> "Span":
        if size is Size.DAY:
            return cls(size, day, day, date_format(day, "j"))
        if size is Size.MONTH:
            last = day.replace(day=monthrange(day.year, day.month)[1])
            return cls(size, day.replace(day=1), last, date_format(day, "F"))
        return cls(size, date(day.year, 1, 1), date(day.year, 12, 31), str(day.year))

    def parts(self) -> "list[Span]":
        """The spans of the next smaller size; months if a whole bank is one year old."""
        size = Size(self.size + 1)
        if size is Size.YEAR and self.first.year == self.last.year:
            return Span.around(self.first, Size.YEAR).parts()
        parts = []
        day = self.first
        while day <= self.last:
            part = Span.around(day, size)
            parts.append(part)
            day = part.last + timedelta(days=1)
        return parts


@dataclass(frozen=True, slots=True)
class DayLink:
    words: str
    link: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class DayNavigation:
    """Links: `crumbs` to the larger spans around the current one, `steps` into it or beside it."""

    crumbs: list[DayLink]
    steps: list[DayLink]


def day_navigation(
    request: HttpRequest, model: type[Model], parameter: str
) -> DayNavigation | None:
    """Navigation through the rows of `model`, whose list has a `DaysById` filter on `parameter`.

    Days are in the current time zone. Returns None without rows. One statement.
    """
    oldest = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
    if oldest is None:
        return None
    today = days.today()
    first = min(timezone.localtime(moment_of(oldest)).date(), today)
    bank = Span(Size.ALL, first, today, "All days")
    path = _path(_chosen(request, parameter), bank)
    inner = path[-1]
    choices = path[-2].parts() if inner.size is Size.DAY else inner.parts()
    steps = [span for span in choices if span.last >= bank.first and span.first <= bank.last]

    def step(span: Span) -> DayLink:
        return DayLink(span.words, _link(request, parameter, span, bank), is_current=span == inner)

    return DayNavigation([step(span) for span in path[:-1]], [step(span) for span in steps])


def _chosen(request: HttpRequest, parameter: str) -> tuple[date, date] | None:
    try:
        first, last = (
            date.fromisoformat(request.GET.get(f"{parameter}_{end}", "")) for end in ("from", "to")
        )
    except ValueError:
        return None
    return first, last


def _path(chosen: tuple[date, date] | None, bank: Span) -> list[Span]:
    """The spans from all days down to the chosen one; empty for a range of any other size."""
    path = [bank]
    if chosen is None:
        return path
    first, last = chosen
    for size in (Size.YEAR, Size.MONTH, Size.DAY):
        path.append(Span.around(first, size))
        if (path[-1].first, path[-1].last) == (first, last):
            return path
    return [bank]


def _link(request: HttpRequest, parameter: str, span: Span, bank: Span) -> str:
    """The URL of the list's first page, with its other filters kept."""
    query: Any = request.GET.copy()
    for name in ("p", f"{parameter}_from", f"{parameter}_to"):
        query.pop(name, None)
    if span != bank:
        query[f"{parameter}_from"] = span.first.isoformat()
        query[f"{parameter}_to"] = span.last.isoformat()
    return f"?{query.urlencode()}"
