"""Filters of lists of customers."""

from typing import Any

from django.db.models import Q
from rest_framework import serializers

from core.api.fields import OffsetDateTimeField, StrictCharField
from core.api.requests import PageQuery
from customers.selectors import found_by
from customers.states import CustomerKind, CustomerStatus


class CustomerQuery(PageQuery):
    """Query parameters of `customers/`."""

    kind = serializers.ChoiceField(
        CustomerKind.choices, required=False, help_text="PERSON or ORGANISATION."
    )
    status = serializers.ChoiceField(
        CustomerStatus.choices, required=False, help_text="ACTIVE, CLOSED or FORGOTTEN."
    )
    search = StrictCharField(
        required=False,
        max_length=200,
        help_text="Words or parts of words of the name or the e-mail address, in any order and any"
        " case, with or without accents; the beginning of the customer number; or digits of the"
        " phone number, with or without blanks.",
    )
    created_after = OffsetDateTimeField(
        required=False,
        help_text="Registered at or after this moment (RFC 3339, offset required). Rows may become"
        " visible out of order: an earlier row may appear after a later one.",
    )
    created_before = OffsetDateTimeField(
        required=False, help_text="Registered before this moment (RFC 3339, offset required)."
    )


def condition_of(values: dict[str, Any]) -> Q:
    """The condition for the values of CustomerQuery, except the times: those are ranges of ids."""
    condition = Q(**{name: values[name] for name in ("kind", "status") if name in values})
    if "search" in values:
        condition &= found_by(values["search"])
    return condition
