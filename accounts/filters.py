"""Filters of lists of accounts."""

from typing import Any

from django.db.models import Q
from rest_framework import serializers

from accounts.selectors import shown_as
from accounts.states import LimitRequestStatus, ShownStatus
from core.api.fields import CurrencyField, OffsetDateTimeField, StrictCharField, StrictUUIDField
from core.api.requests import PageQuery
from core.search import contains


class AccountQuery(PageQuery):
    """Query parameters of `accounts/`."""

    status = serializers.ChoiceField(
        ShownStatus.choices, required=False, help_text="ACTIVE, FROZEN or CLOSED."
    )
    currency = CurrencyField(required=False, help_text="ISO 4217 code.")
    customer = StrictUUIDField(required=False, help_text="Identifier of a customer (UUID).")
    search = StrictCharField(
        required=False,
        max_length=200,
        help_text="Words or parts of words of the name, in any order and any case, with or without"
        " accents; or the beginning of the account number.",
    )
    created_after = OffsetDateTimeField(
        required=False,
        help_text="Opened at or after this moment (RFC 3339, offset required). Rows may become"
        " visible out of order: an earlier row may appear after a later one.",
    )
    created_before = OffsetDateTimeField(
        required=False, help_text="Opened before this moment (RFC 3339, offset required)."
    )


class LimitRequestQuery(PageQuery):
    """Query parameters of `limit_requests/`."""

    status = serializers.ChoiceField(
        LimitRequestStatus.choices, required=False, help_text="PENDING, APPROVED or REJECTED."
    )
    account = StrictUUIDField(required=False, help_text="Identifier of an account (UUID).")


def condition_of(values: dict[str, Any]) -> Q:
    """The condition for the values of AccountQuery, except the times: those are ranges of ids."""
    condition = Q()
    if "status" in values:
        condition &= shown_as(ShownStatus(values["status"]))
    for name in ("currency", "customer"):
        if name in values:
            condition &= Q(**{name: values[name]})
    if "search" in values:
        text = values["search"]
        condition &= contains("name", text) | Q(number__startswith=text)
    return condition
