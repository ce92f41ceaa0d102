"""Fields of the admin's forms: the same checks and error texts as in the API."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    BASE_INPUT_CLASSES,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.console.amounts import read_amount
from core.errors import BankError
from core.texts import check_text

T = TypeVar("T")


class LineField(forms.CharField):
    """A line of text, stripped and checked by `check_text`."""

    multiline = False

    def __init__(self, **kwargs: Any) -> None:
        attrs = kwargs.pop("attrs", {})
        super().__init__(**{"widget": UnfoldAdminTextInputWidget(attrs=attrs)} | kwargs)

    def to_python(self, value: Any) -> str:
        # Browsers send a line end as CR LF (HTML, forms), and count it as one character.
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n")

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        _checked(partial(check_text, text, multiline=self.multiline))
        return text


class ReasonField(LineField):
    """The reason that is recorded with a decision of staff."""

    multiline = True

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 3} | kwargs.pop("attrs", {})
        widget = UnfoldAdminTextareaWidget(attrs=attrs)
        super().__init__(**{"max_length": 500, "widget": widget} | kwargs)


class AmountFormField(forms.CharField):
    """An amount as `read_amount` reads it: an exact Decimal.

    Set `currency` once it is known. The command checks the currency's digits and the range.
    """

    currency = ""

    def __init__(self, **kwargs: Any) -> None:
        # Phones show a numeric keyboard. A field of type `number` would accept exponents.
        attrs = {"inputmode": "decimal", "autocomplete": "off"} | kwargs.pop("attrs", {})
        widget = UnfoldAdminTextInputWidget(attrs=attrs)
        super().__init__(**{"widget": widget} | kwargs)

    def clean(self, value: Any) -> Decimal | None:
        text: str = super().clean(value)
        return _checked(partial(read_amount, text, self.currency)) if text else None


def set_currency(form: forms.Form, currency: str) -> None:
    """Tells the form's amounts their currency: what is in doubt depends on its digits."""
    for field in form.fields.values():
        if isinstance(field, AmountFormField):
            field.currency = currency


def _widget_attrs(kind: str) -> dict[str, str]:
    return {"type": kind, "class": " ".join(BASE_INPUT_CLASSES)}


class MomentField(forms.DateTimeField):
    """A moment in the current time zone, to the second."""

    widget = forms.DateTimeInput(
        format="%Y-%m-%dT%H:%M:%S", attrs={"step": "1", **_widget_attrs("datetime-local")}
    )

    def clean(self, value: Any) -> datetime | None:
        try:
            moment: datetime | None = super().clean(value)
        except OverflowError:
            raise _OUT_OF_RANGE from None
        return _in_range(moment)


class DayField(forms.DateField):
    """A day of the current time zone."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs=_widget_attrs("date"))

    def clean(self, value: Any) -> date | None:
        return _in_range(super().clean(value))


_OUT_OF_RANGE = ValidationError("That moment is out of range.", code="out_of_range")
Time = TypeVar("Time", bound=date)  # A datetime is a date.


def _in_range(time: Time | None) -> Time | None:
    """Limits a time to what the databases and every time zone can represent, with a margin."""
    if time is not None and not 1970 < time.year < 9999:
        raise _OUT_OF_RANGE
    return time


class ReasonForm(forms.Form):
    """Asks why."""

    # What was written comes back after the end of a session, as in a form for money.
    returns_after_login = True
    reason = ReasonField(attrs={"autofocus": True})


class DecisionForm(ReasonForm):
    """`foreseen` identifies what the page showed, so that nothing else is decided."""

    foreseen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    @property
    def shown(self) -> str:
        """What the page of a submitted form showed, also if the form lacks its reason; else ""."""
        self.is_valid()
        shown: str = self.cleaned_data.get("foreseen", "") if self.is_bound else ""
        return shown


def carry(form: forms.Form, name: str, value: str) -> None:
    """Puts a value into a hidden field, also of a submitted form that is shown again."""
    form.initial[name] = value
    if form.is_bound:
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data[name] = value  # type: ignore[index]


def add_errors(form: forms.Form, error: BankError) -> bool:
    """Puts field errors beside their fields. Returns whether every error had a field."""
    names = [bad.pointer.strip("/") for bad in error.errors]
    if not names or not set(names) <= form.fields.keys():
        return False
    for name, bad in zip(names, error.errors, strict=True):
        form.add_error(name, bad.detail)
    return True


def _checked(check: Callable[[], T]) -> T:
    """Returns the result of `check`; turns its ValueError into the field's error."""
    try:
        return check()
    except ValueError as error:
        raise ValidationError(str(error)) from error
