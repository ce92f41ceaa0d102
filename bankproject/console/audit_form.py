"""The search form of the audit log."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.admin.filters import account_named
from accounts.models import Account
from bankproject.console.audit_records import Wanted
from bankproject.console.audit_sources import SOURCES
from core.days import midnight


class AuditForm(forms.Form):
    """All fields are optional. Days are in the user's time zone, both included."""

    who = forms.CharField(
        label="Who (user name)", max_length=150, required=False, widget=UnfoldAdminTextInputWidget
    )
    what = forms.ChoiceField(
        label="What",
        choices=[("", "Everything"), *((one.name, one.label) for one in SOURCES.values())],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    account = forms.CharField(
        label="Account (number or id)",
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    transaction = forms.UUIDField(
        label="Transaction (id)", required=False, widget=UnfoldAdminTextInputWidget
    )
    first_day = forms.DateField(
        label="From (day)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    last_day = forms.DateField(
        label="To (day)", required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    automatic = forms.BooleanField(
        label="With workers, jobs and programs", required=False, widget=UnfoldBooleanWidget
    )

    def clean_account(self) -> Account | None:
        text = self.cleaned_data["account"]
        if not text:
            return None
        account = account_named(text)
        if account is None:
            raise forms.ValidationError("There is no account with this number or id.")
        return account

    def clean_first_day(self) -> datetime | None:
        return _midnight(self.cleaned_data["first_day"])

    def clean_last_day(self) -> datetime | None:
        """The end of that day: the start of the next one."""
        return _midnight(self.cleaned_data["last_day"], days_ahead=1)

    def sources(self) -> list[str]:
        return [self.cleaned_data["what"]] if self.cleaned_data["what"] else list(SOURCES)

    def given(self) -> dict[str, str]:
        """The fields that are filled in, as they were sent."""
        return {name: str(self.data[name]) for name in self.fields if self.data.get(name)}

    def in_words(self) -> list[tuple[str, str]]:
        """What is asked for: the labels of the fields that are filled in, and their values."""
        words = dict(self.fields["what"].choices)  # type: ignore[attr-defined]
        given = {name: str(self.data.get(name, "")) for name in self.fields}
        given["what"] = str(words.get(given["what"], "")) if given["what"] else ""
        given["automatic"] = "Yes" if self.cleaned_data["automatic"] else ""
        return [
            (str(self.fields[name].label), value) for name, value in given.items() if value.strip()
        ]

    def wanted(self) -> Wanted:
        found = self.cleaned_data
        transaction_id: UUID | None = found["transaction"]
        return Wanted(
            who=found["who"],
            user_id=_user_id(found["who"]),
            account=found["account"],
            transaction_id=transaction_id,
            start=found["first_day"],
            end=found["last_day"],
            automatic=found["automatic"],
        )


def _user_id(username: str) -> int | None:
    if not username:
        return None
    user: Any = get_user_model().objects.filter(username=username).first()
    return int(user.pk) if user else None


def _midnight(day: Any, *, days_ahead: int = 0) -> datetime | None:
    if day is None:
        return None
    if not 1970 <= day.year <= 9000:
        raise forms.ValidationError("This day is out of range.")
    return midnight(day + timedelta(days=days_ahead))
