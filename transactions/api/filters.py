"""Filters of lists of transactions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Q
from rest_framework import serializers

from core.api.fields import (
    AmountInputField,
    CurrencyField,
    OffsetDateTimeField,
    StrictCharField,
    StrictUUIDField,
)
from core.api.requests import PageQuery
from core.console.sheets import MOST_ROWS, SheetFormat
from core.identifiers import created_between
from core.money import MAX_BALANCE, to_units
from core.search import contains
from transactions.reads.lists import TransactionList
from transactions.states import TransactionStatus, TransactionType


class AmountBoundField(AmountInputField):
    """A bound for amounts: at most 4 decimals, and at most MAX_BALANCE."""

    def to_internal_value(self, data: Any) -> Decimal:
        amount = super().to_internal_value(data)
        try:
            to_units(amount)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid_amount") from error
        if amount > MAX_BALANCE:
            detail = f"No amount is above {MAX_BALANCE:f}."
            raise serializers.ValidationError(detail, code="invalid_amount")
        return amount


class TransactionFilters(PageQuery):
    """Query parameters of every list of transactions."""

    format = serializers.ChoiceField(
        [
            ("json", "a page at a time"),
            ("csv", "all rows, streamed"),
            ("xlsx", f"at most {MOST_ROWS[SheetFormat.XLSX]:,} rows"),
            ("pdf", f"at most {MOST_ROWS[SheetFormat.PDF]:,} rows"),
        ],
        required=False,
        help_text="Overrides Accept.",
    )
    status = serializers.ChoiceField(
        TransactionStatus.choices, required=False, help_text="State of the transaction."
    )
    type = serializers.ChoiceField(
        TransactionType.choices, required=False, help_text="Type of transaction."
    )
    currency = CurrencyField(required=False, help_text="ISO 4217 code.")
    amount_min = AmountBoundField(required=False, help_text="At least this amount.")
    amount_max = AmountBoundField(required=False, help_text="At most this amount.")
    created_after = OffsetDateTimeField(
        required=False,
        help_text="Created at or after this moment (RFC 3339, offset required). Rows may become"
        " visible out of order: an earlier row may appear after a later one.",
    )
    created_before = OffsetDateTimeField(
        required=False, help_text="Created before this moment (RFC 3339, offset required)."
    )
    failure_code = StrictCharField(
        required=False, max_length=40, help_text="Error code of a failed transaction."
    )
    search = StrictCharField(
        required=False,
        max_length=200,
        help_text="Words or parts of words of the description, in any order and any case, with or"
        " without accents.",
    )


class TransactionQuery(TransactionFilters):
    """Query parameters of `transactions/`."""

    idempotency_key = StrictCharField(
        required=False,
        max_length=255,
        help_text="The transaction that this caller made with this key.",
    )
    account = StrictUUIDField(
        required=False, help_text="Only transactions that debit or credit this account."
    )


class EntryQuery(PageQuery):
    """Query parameters of `entries/`."""


_LOOKUPS = {
    "status": "status",
    "type": "type",
    "currency": "currency",
    "amount_min": "amount__gte",
    "amount_max": "amount__lte",
    "failure_code": "failure_code",
    "idempotency_key": "idempotency_key",
    "idempotency_caller": "idempotency_caller",
}


def _condition_of(values: dict[str, Any], *, owned: bool) -> Q:
    """The condition of the values of TransactionFilters, except times: these are ranges of ids.

    Filters apply to the values that the reader sees, not to the stored ones: for an owner (`owned`)
    a reversal has no description (`transactions.reads.representation`), so no search finds it.
    """
    condition = Q(**{_LOOKUPS[name]: value for name, value in values.items() if name in _LOOKUPS})
    if search := values.get("search"):
        condition &= contains("description", search)
        if owned:
            condition &= ~Q(type=TransactionType.REVERSAL)
    return condition


def narrowed(found: TransactionList, values: dict[str, Any]) -> TransactionList:
    """The list narrowed by the values of TransactionFilters."""
    return replace(
        found,
        condition=_condition_of(values, owned=found.owner_id is not None),
        ids=created_between(values.get("created_after"), values.get("created_before")),
    )
