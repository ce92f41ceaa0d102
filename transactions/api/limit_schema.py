"""OpenAPI description of limits on payments."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.schema import ACCOUNT_ID, LIMIT_REQUEST_EXAMPLE, TAG
from accounts.serializers import LimitRequestSerializer, ReasonBody
from core.api.describe import errors, request_example, response_example
from core.api.fields import (
    AmountInputField,
    AmountOutputField,
    CurrencyField,
    OffsetDateTimeField,
)


class LimitsBody(ReasonBody):
    """The body of `limits/`: all three limits, null for none."""

    max_amount = AmountInputField(allow_null=True, help_text="The most of one payment.")
    daily_amount = AmountInputField(allow_null=True, help_text="The most of a day's payments.")
    daily_count = serializers.IntegerField(
        allow_null=True, min_value=0, max_value=1_000_000, help_text="The most payments a day."
    )


class LimitsSerializer(serializers.Serializer[Any]):
    """The limits of an account's payments, and what is left of them."""

    currency = CurrencyField(help_text="ISO 4217 code.")
    max_amount = AmountOutputField(allow_null=True, help_text="The most of one payment.")
    daily_amount = AmountOutputField(allow_null=True, help_text="The most of a day's payments.")
    daily_count = serializers.IntegerField(allow_null=True, help_text="The most payments a day.")
    paid_today = AmountOutputField(
        allow_null=True, help_text="Sum of today's payments; null without a daily limit."
    )
    payments_today = serializers.IntegerField(
        allow_null=True, help_text="Number of today's payments; null without a daily limit."
    )
    left_today = AmountOutputField(
        allow_null=True, help_text="What may still be paid today; null without `daily_amount`."
    )
    day_ends_at = OffsetDateTimeField(
        allow_null=True, help_text="When the bank's next day begins (UTC), and all is free again."
    )


_EXAMPLE: dict[str, Any] = {
    "currency": "USD",
    "max_amount": "500.00",
    "daily_amount": "1000.00",
    "daily_count": 10,
    "paid_today": "75.50",
    "payments_today": 1,
    "left_today": "924.50",
    "day_ends_at": "2026-02-01T00:00:00.000000Z",
}
_WANTED: dict[str, Any] = {
    "max_amount": "500.00",
    "daily_amount": "1000.00",
    "daily_count": 10,
    "reason": "Agreed on 31 January",
}
_ASKED = {
    **LIMIT_REQUEST_EXAMPLE,
    "overdraft_limit": "100.00",
    "limits": {"max_amount": "20000.00", "daily_amount": "20000.00", "daily_count": 10},
}

read_limits = extend_schema(
    operation_id="accounts_limits",
    tags=[TAG],
    summary="Limits of an account's payments",
    description="What may leave the account in one payment and on one day of the bank, and what is"
    " left of it. Withdrawals, transfers out and captures of holds count, on the day of posting.",
    parameters=[ACCOUNT_ID],
    responses=LimitsSerializer,
    examples=[response_example("Limits", _EXAMPLE)],
)

change_limits = extend_schema(
    operation_id="accounts_change_limits",
    tags=[TAG],
    summary="Set the limits of an account's payments",
    description="Sets all three limits; null is no limit. Lower limits apply at once. If a limit is"
    " raised to the currency's approval threshold or above, or removed where there is a threshold,"
    " nothing is set: the response is 202 with a request that waits for a second person.",
    parameters=[ACCOUNT_ID],
    request=LimitsBody,
    responses={200: LimitsSerializer, 202: LimitRequestSerializer},
    examples=[
        request_example(_WANTED),
        response_example("Limits", _EXAMPLE, 200),
        response_example("Waiting", _ASKED, 202),
    ],
    extensions=errors("account_closed", "invalid_transition", "self_dealing"),
)
