"""The OpenAPI schema of receipts."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from accounts.schema import ACCOUNT_EXAMPLE
from core.api.describe import CONDITIONS, errors, response_example
from core.api.serializers import StrictSerializer
from transactions.api.examples import TARGET_ID, TRANSFER_EXAMPLE
from transactions.api.parameters import TRANSACTION_ID
from transactions.api.schema import TAG
from transactions.states import TransactionType


class ReceiptPartySerializer(serializers.Serializer[Any]):
    """An account that was debited or credited."""

    account_id = serializers.UUIDField(help_text="Identifier of the account.")
    number = serializers.CharField(help_text="The account's number.")
    name = serializers.CharField(
        allow_null=True, help_text="The account's name; null for a customer whose it is not."
    )


class ReceiptSerializer(serializers.Serializer[Any]):
    """The receipt of a completed transaction."""

    transaction_id = serializers.UUIDField(help_text="Identifier of the transaction.")
    bank = serializers.CharField(help_text="The name of the bank.")
    type = serializers.ChoiceField(TransactionType.choices, help_text="Type of transaction.")
    amount = serializers.CharField(help_text="With all digits of the currency.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    to = ReceiptPartySerializer(allow_null=True, help_text="Credited; null for cash paid out.")
    description = serializers.CharField(
        allow_blank=True, help_text="What the payer wrote; empty for a reversal, unless for staff."
    )
    completed_at = serializers.DateTimeField(help_text="When it was posted.")
    effective_at = serializers.DateTimeField(help_text="The value date.")
    reverses = serializers.UUIDField(
        allow_null=True, help_text="The transaction that this one reverses."
    )
    reversed_by = serializers.UUIDField(
        allow_null=True, help_text="The transaction that reverses this one."
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python, so a class cannot have it."""
        party = ReceiptPartySerializer(allow_null=True, help_text="Debited; null for cash paid in.")
        return {"from": party, **super().get_fields()}


_EXAMPLE = {
    "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
    "bank": "Bank",
    "type": "TRANSFER",
    "amount": "75.50",
    "currency": "USD",
    "from": {
        "account_id": ACCOUNT_EXAMPLE["account_id"],
        "number": ACCOUNT_EXAMPLE["number"],
        "name": ACCOUNT_EXAMPLE["name"],
    },
    "to": {"account_id": TARGET_ID, "number": "100000000246", "name": None},
    "description": "Rent, February",
    "completed_at": TRANSFER_EXAMPLE["completed_at"],
    "effective_at": TRANSFER_EXAMPLE["effective_at"],
    "reverses": None,
    "reversed_by": None,
}


def receipt(query: type[StrictSerializer]) -> Any:
    return extend_schema(
        operation_id="transactions_receipt",
        tags=[TAG],
        summary="Receipt of a completed transaction",
        description="For everyone who may read the transaction, archived ones too. Customers see"
        " the names of their own accounts, and the numbers of others. As PDF it is one page to"
        " print, for customers alone: staff get neither the names of two customers nor reasons."
        " A transaction that is not completed has none: 409.",
        parameters=[TRANSACTION_ID, query, *CONDITIONS],
        responses={
            (200, "application/json"): ReceiptSerializer,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="Not changed: no body."),
        },
        examples=[response_example("Receipt", _EXAMPLE)],
        extensions=errors("validation_error", "precondition_failed", "invalid_transition"),
    )
