"""The form of the page Statistics: days, interval, currency and type."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Account
from accounts.states import AccountKind
from core import clock
from core.currency_names import currency_choices
from transactions.states import TransactionType
from transactions.statistics.report import WantedStatistics
from transactions.statistics.spans import LONGEST, Calendar, Interval, next_month

_DAYS = 30


def _day_field(label: str) -> forms.DateField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "date"})
    return forms.DateField(label=label, required=False, widget=widget)


class StatisticsForm(forms.Form):
    """All fields are optional. Days are the bank's, both included."""

    interval = forms.ChoiceField(
        label="By",
        choices=[(each.value, each.value.capitalize()) for each in Interval],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    first_day = _day_field("From (day)")
    last_day = _day_field("To (day)")
    currency = forms.ChoiceField(label="Currency", required=False, widget=UnfoldAdminSelectWidget)
    type = forms.ChoiceField(
        label="Type",
        choices=[("", "All types"), *TransactionType.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, data: QueryDict) -> None:
        filled = data.copy()
        if not filled.get("interval"):
            filled["interval"] = Interval.DAY.value
        super().__init__(filled)
        # Each currency of the bank has a cash account.
        internal = Account.objects.filter(kind=AccountKind.INTERNAL).order_by("currency")
        found = sorted(set(internal.values_list("currency", flat=True)))
        field: Any = self.fields["currency"]
        field.choices = [("", "All currencies"), *currency_choices(found)]

    def clean(self) -> dict[str, Any]:
        """Adds the days that were left out, also to the form that the page shows."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return found
        interval = Interval(found["interval"])
        last = found["last_day"] or Calendar().day_of(clock.about_now())
        first = found["first_day"] or _first_day(interval, last)
        if not (first.year > 1970 and last.year < 9998):
            raise forms.ValidationError("These days are out of range.")
        if first > last:
            raise forms.ValidationError("The first day is after the last one.")
        if (last - first).days >= LONGEST[interval]:
            longest = f"{LONGEST[interval]:,}"
            raise forms.ValidationError(f"By {interval}, choose at most {longest} days.")
        self._show("first_day", first)
        self._show("last_day", last)
        return {**found, "first_day": first, "last_day": last}

    def _show(self, name: str, day: date) -> None:
        shown: Any = self.data
        shown[name] = day.isoformat()

    def wanted(self, by: tuple[str, ...]) -> WantedStatistics:
        found = self.cleaned_data
        return WantedStatistics(
            first=found["first_day"],
            end=found["last_day"] + timedelta(days=1),
            interval=Interval(found["interval"]),
            by=by,
            currency=found["currency"],
            type=found["type"],
        )


def _first_day(interval: Interval, last: date) -> date:
    """One day by hour, thirty by day, twelve months by month."""
    if interval is Interval.HOUR:
        return last
    if interval is Interval.DAY:
        return last - timedelta(days=_DAYS - 1)
    # A year back, and on to the next month.
    return next_month(last.replace(day=1) - timedelta(days=365))
