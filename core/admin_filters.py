"""Filters that the admin's lists share."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter

from core.identifiers import lowest_uuid7


class DaysById(RangeDateFilter):
    """From one day to another, both included, in the current time zone.

    For a time that the row's own UUIDv7 carries: a range of it is a range of ids, read from their
    index.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first = self._day(self.used_parameters.get(f"{self.parameter_name}_from"))
        last = self._day(self.used_parameters.get(f"{self.parameter_name}_to"))
        if first:
            queryset = queryset.filter(pk__gte=lowest_uuid7(_midnight(first)))
        if last:
            queryset = queryset.filter(pk__lt=lowest_uuid7(_midnight(last + timedelta(days=1))))
        return queryset

    def _day(self, text: object) -> date | None:
        """Raises IncorrectLookupParameters, which the admin takes for no filter at all."""
        if not text:
            return None
        try:
            day = date.fromisoformat(str(text))
        except ValueError as error:
            raise IncorrectLookupParameters(f"{text} is not a day.") from error
        if not date(1970, 1, 2) <= day <= date(9998, 12, 31):
            raise IncorrectLookupParameters(f"{text} is out of range.")
        return day


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
