"""Filters that the admin's lists share."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter, RangeNumericListFilter

from core.console.amounts import read_amount
from core.console.forms import AmountFormField
from core.days import midnight
from core.identifiers import lowest_uuid7


class DaysById(RangeDateFilter):
    """From one day to another, both included, in the current time zone.

    Filters by the time in the row's own UUIDv7. A range of days is a range of ids, so the filter
    reads the index of ids.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first = self._day(self.used_parameters.get(f"{self.parameter_name}_from"))
        last = self._day(self.used_parameters.get(f"{self.parameter_name}_to"))
        if first:
            queryset = queryset.filter(pk__gte=lowest_uuid7(midnight(first)))
        if last:
            queryset = queryset.filter(pk__lt=lowest_uuid7(midnight(last + timedelta(days=1))))
        return queryset

    def _day(self, text: object) -> date | None:
        """Raises IncorrectLookupParameters, which makes the admin drop all filters."""
        if not text:
            return None
        try:
            day = date.fromisoformat(str(text))
        except ValueError as error:
            raise IncorrectLookupParameters(f"{text} is not a day.") from error
        if not date(1970, 1, 2) <= day <= date(9998, 12, 31):
            raise IncorrectLookupParameters(f"{text} is out of range.")
        return day


class AmountFilter(RangeNumericListFilter):
    """Amounts from one to another, both included, in main units of each row's currency."""

    title = "amount"
    parameter_name = "amount"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Raises IncorrectLookupParameters, which makes the admin drop all filters."""
        for end, lookup in (("from", "gte"), ("to", "lte")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            try:
                amount = read_amount(text)
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": amount})
            except ValueError as error:
                raise IncorrectLookupParameters(str(error)) from error
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Fields for exact decimals: the theme has floats, and browsers only take integers."""
        fields = {}
        for end in ("from", "to"):
            attrs = {"placeholder": end.capitalize(), "aria-label": f"Amount {end}"}
            fields[f"{self.parameter_name}_{end}"] = AmountFormField(required=False, attrs=attrs)
        form = type("AmountForm", (forms.Form,), fields)
        yield {"form": form(self.used_parameters)}
