"""Forms behind the buttons of a customer's page."""

from typing import Any
from uuid import uuid4

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget

from core.console.forms import DayField, LineField, ReasonField, ReasonForm
from customers.details import DETAILS
from customers.models import Customer
from customers.selectors import customers_named
from customers.states import CustomerKind

# So many customers are named to choose from.
_MOST_NAMED = 5
_REASON = "Kept in the audit log for ever: write no personal data here."


class BirthDateField(forms.DateField):
    """A day, with the widget of `DayField` but not its range."""

    widget = DayField.widget


class NoteField(ReasonField):
    """What staff should know about a customer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 2000} | kwargs)


class DetailsForm(forms.Form):
    """The details of a customer. A kind of customer has only its own fields."""

    name = LineField(max_length=200, attrs={"autofocus": True})
    birth_date = BirthDateField(required=False)
    registration_number = LineField(required=False, max_length=50)
    email = LineField(required=False, max_length=254, label="E-mail address")
    phone = LineField(required=False, max_length=30, help_text="For example +44 20 7946 0958.")
    address = LineField(required=False, max_length=500)
    note = NoteField(required=False, help_text="What staff should know. Customers do not see it.")

    def details(self) -> dict[str, Any]:
        """The values of the form's details, as commands take them."""
        return {name: self.cleaned_data[name] for name in DETAILS if name in self.cleaned_data}


class ChangeDetailsForm(DetailsForm):
    """Shows the present details."""

    reason = ReasonField(required=False, help_text=_REASON)

    def __init__(self, data: Any, *, customer: Customer) -> None:
        super().__init__(data, initial={name: getattr(customer, name) for name in DETAILS})
        of_others = {CustomerKind.PERSON: "registration_number"}
        del self.fields[of_others.get(CustomerKind(customer.kind), "birth_date")]


class RegisterForm(DetailsForm):
    """A new customer. `key` makes a form that is sent twice take effect once."""

    kind = forms.ChoiceField(
        choices=CustomerKind.choices,
        initial=CustomerKind.PERSON,
        widget=UnfoldAdminRadioSelectWidget,
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    field_order = ("kind", *DETAILS, "key")


class CustomerField(LineField):
    """The one active customer that a text means: a number, or a part of a name or an address.

    Names the customers if there are several.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=200,
            help_text="Number, name, e-mail address or phone number of a registered customer.",
            attrs={"autofocus": True, "autocomplete": "off"},
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = customers_named(text, _MOST_NAMED + 1)
        if len(found) == 1:
            return found[0]
        if not found:
            raise forms.ValidationError("No active customer is known by this. Register one first.")
        names = "; ".join(map(str, found[:_MOST_NAMED]))
        more = "; and more" if len(found) > _MOST_NAMED else ""
        raise forms.ValidationError(f"Several customers: {names}{more}. Write the number of one.")


class GiveCustomerForm(ReasonForm):
    """The customer of an account that has none."""

    returns_after_login = False  # An address of a customer is not left in the browser.
    customer = CustomerField()
    field_order = ("customer", "reason")


class GiveUserForm(ReasonForm):
    """The user name of the customer's login."""

    user = LineField(
        max_length=150,
        help_text="User name of the login. It sees all accounts of the customer. It cannot be"
        " changed later.",
        attrs={"autofocus": True, "autocomplete": "off"},
    )
    field_order = ("user", "reason")
