"""The OpenAPI schema of the feed."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from accounts.schema import ACCOUNT_EXAMPLE
from core.api.describe import errors, response_example
from core.api.fields import AmountOutputField, CurrencyField, OffsetDateTimeField
from core.api.requests import PageSizeField
from core.api.serializers import StrictSerializer
from events.changes import TYPES
from transactions.api.examples import TRANSFER_EXAMPLE
from transactions.api.hold_schema import HOLD_EXAMPLE
from transactions.states import HoldStatus, TransactionStatus, TransactionType

TAG = "Events"
_MOST_CURSOR_CHARACTERS = 512


class EventQuery(StrictSerializer):
    """The parameters of the feed."""

    after = serializers.CharField(
        required=False,
        max_length=_MOST_CURSOR_CHARACTERS,
        help_text="The `cursor` of the response before; `newest` for the end of the feed. Without"
        " it the feed begins with the bank's first change.",
    )
    page_size = PageSizeField(required=False, help_text="Most events in the response. Default: 50.")


class TransactionChangeSerializer(serializers.Serializer[Any]):
    """A transaction, as it was after the change."""

    transaction_id = serializers.UUIDField(help_text="The transaction.")
    type = serializers.ChoiceField(
        choices=TransactionType.choices, help_text="Type of the transaction."
    )
    account_id = serializers.UUIDField(help_text="The account; of a transfer, the paying one.")
    target_account_id = serializers.UUIDField(
        allow_null=True, help_text="The receiving account of a transfer; else null."
    )
    amount = AmountOutputField(help_text="Amount of the transaction.")
    currency = CurrencyField(help_text="ISO 4217 code.")
    status = serializers.ChoiceField(
        choices=TransactionStatus.choices, help_text="Status after this change."
    )
    previous_status = serializers.ChoiceField(
        choices=TransactionStatus.choices,
        allow_null=True,
        help_text="Status before it; null for a new transaction, and for customers of a payment to"
        " them or a reversal.",
    )
    failure_code = serializers.CharField(
        allow_null=True, help_text="Why it failed, if it has; else null."
    )


class AccountChangeSerializer(serializers.Serializer[Any]):
    """An account. What it is like now stands at `accounts/{account_id}/`."""

    account_id = serializers.UUIDField(help_text="The account.")
    account_number = serializers.CharField(help_text="Its number.")


class HoldChangeSerializer(serializers.Serializer[Any]):
    """A hold, as it was after the change."""

    hold_id = serializers.UUIDField(help_text="The hold.")
    account_id = serializers.UUIDField(help_text="The account whose money is reserved.")
    target_account_id = serializers.UUIDField(
        allow_null=True, help_text="The account that captures credit; null if they pay cash out."
    )
    amount = AmountOutputField(help_text="What was reserved.")
    captured = AmountOutputField(help_text="Sum of its captures after this change.")
    held = AmountOutputField(help_text="What it still reserves after this change.")
    currency = CurrencyField(help_text="ISO 4217 code.")
    status = serializers.ChoiceField(
        choices=HoldStatus.choices, help_text="Status after this change."
    )
    transaction_id = serializers.UUIDField(
        allow_null=True, help_text="The transaction of a capture; else null."
    )


@extend_schema_field(
    PolymorphicProxySerializer(
        "EventData",
        [TransactionChangeSerializer, AccountChangeSerializer, HoldChangeSerializer],
        resource_type_field_name=None,
    )
)
class _DataField(serializers.DictField):
    """The members depend on the kind of event."""


class EventSerializer(serializers.Serializer[Any]):
    """One change of a transaction, an account or a hold."""

    id = serializers.UUIDField(help_text="Identifies the event: the same whenever it is read.")
    type = serializers.ChoiceField(choices=TYPES, help_text="What happened.")
    timestamp = OffsetDateTimeField(help_text="When it happened (UTC).")
    data = _DataField(help_text="What has changed.")  # type: ignore[assignment]


class EventPageSerializer(serializers.Serializer[Any]):
    """A part of the feed."""

    results = EventSerializer(many=True, help_text="Events, each after its cause.")
    cursor = serializers.CharField(
        help_text="Keep it, and send it as `after` next time. It lasts, whatever the page has. The"
        " text is another one in each response."
    )
    has_more = serializers.BooleanField(
        help_text="Whether more is there already. A customer's page may be empty, and yet more be"
        " there."
    )


_PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=25` (RFC 7240): if nothing is there, the response waits for a change, up to"
    " so many seconds, 25 at most. With `after=newest` it never waits.",
)
_APPLIED = OpenApiParameter(
    "Preference-Applied",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="`wait=` and the seconds, if the request has waited. Too many waiting requests of a"
    " web process, or a second one of the same caller in it, get their response at once, with"
    " `Retry-After`.",
)

EVENT_EXAMPLE: dict[str, Any] = {
    "id": TRANSFER_EXAMPLE["transaction_id"],
    "type": "transaction.completed",
    "timestamp": TRANSFER_EXAMPLE["created_at"],
    "data": {
        "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
        "type": "TRANSFER",
        "account_id": TRANSFER_EXAMPLE["account_id"],
        "target_account_id": TRANSFER_EXAMPLE["target_account_id"],
        "amount": TRANSFER_EXAMPLE["amount"],
        "currency": TRANSFER_EXAMPLE["currency"],
        "status": "COMPLETED",
        "previous_status": None,
        "failure_code": None,
    },
}
_ACCOUNT_EVENT: dict[str, Any] = {
    "id": "019c17d2-6c2a-7b41-8000-5d0e9c3f1b28",
    "type": "account.opened",
    "timestamp": ACCOUNT_EXAMPLE["created_at"],
    "data": {
        "account_id": ACCOUNT_EXAMPLE["account_id"],
        "account_number": ACCOUNT_EXAMPLE["number"],
    },
}

_HOLD_EVENT: dict[str, Any] = {
    "id": "019c17d2-7d2a-7b41-8000-1c8d2f6e4a93",
    "type": "hold.placed",
    "timestamp": HOLD_EXAMPLE["created_at"],
    "data": {
        name: HOLD_EXAMPLE[name]
        for name in (
            "hold_id",
            "account_id",
            "target_account_id",
            "amount",
            "captured",
            "held",
            "currency",
            "status",
        )
    }
    | {"transaction_id": None},
}

list_events = extend_schema(
    operation_id="events_list",
    tags=[TAG],
    summary="Read the feed of changes",
    description=(
        "Every change of an account, a transaction or a hold, once. Nothing appears later before a"
        " cursor that you have. The changes of a transaction come in the order of its statuses, the"
        " movements of an account in the order of its entries. Keep the `cursor` with what you have"
        " done, and go on from it. Staff see all; customers see their own accounts, transactions"
        " and holds, a payment to them once it is completed. After `account.customer_given` read"
        " the account again: its earlier events stand before the cursor."
    ),
    parameters=[EventQuery, _PREFER, _APPLIED],
    responses=EventPageSerializer,
    examples=[
        response_example(
            "Events",
            {
                "results": [_ACCOUNT_EVENT, EVENT_EXAMPLE, _HOLD_EVENT],
                "cursor": "pT0mZ5wq1k1f8Y3dTqfGmQ",
                "has_more": False,
            },
        )
    ],
    extensions=errors("validation_error", "cursor_lost"),
)
