"""Shapes of accounts on the wire."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import Account, LimitRequest
from accounts.states import FreezeScope, LimitRequestStatus, ShownStatus
from core.api.fields import (
    AmountInputField,
    AmountOutputField,
    CurrencyField,
    MetadataField,
    OffsetDateTimeField,
    StrictCharField,
    StrictUUIDField,
)
from core.api.serializers import StrictSerializer
from core.texts import MAX_REASON_LENGTH


class AccountSerializer(serializers.ModelSerializer[Account]):
    """An account as clients see it."""

    account_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    balance = AmountOutputField(
        allow_null=True,
        help_text="Balance; below zero if overdrawn. Null for an internal account: see `balance/`.",
    )
    available_balance = AmountOutputField(
        allow_null=True,
        help_text="Balance plus overdraft limit, less what is held: the amount that can be"
        " withdrawn now. Null for an internal account.",
    )
    overdraft_limit = AmountOutputField(help_text="How far below zero the balance may go.")
    held = AmountOutputField(help_text="Money that open holds reserve: see `holds/`.")
    status = serializers.ChoiceField(
        ShownStatus.choices,
        source="shown_status",
        help_text="ACTIVE, FROZEN while a block is set, or CLOSED.",
    )
    owner = serializers.CharField(
        source="owner.username", default=None, allow_null=True, help_text="User name of the owner."
    )
    customer = serializers.UUIDField(
        source="customer_id",
        allow_null=True,
        help_text="Identifier of the customer; null if the account has none.",
    )
    metadata = serializers.DictField(
        child=serializers.CharField(), help_text="The client's own notes: texts by name."
    )
    created_at = OffsetDateTimeField(help_text="When the account was opened (UTC).")
    updated_at = OffsetDateTimeField(help_text="When the account last changed (UTC).")

    class Meta:
        model = Account
        fields: tuple[str, ...] = (
            "account_id",
            "number",
            "name",
            "owner",
            "customer",
            "currency",
            "balance",
            "available_balance",
            "overdraft_limit",
            "held",
            "status",
            "debits_blocked",
            "credits_blocked",
            "metadata",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "debits_blocked": {"help_text": "No money can leave the account."},
            "credits_blocked": {"help_text": "No money can enter the account."},
        }


class RequestedLimitsSerializer(serializers.Serializer[Any]):
    """The limits of payments that a request asks for; null is no limit."""

    max_amount = serializers.CharField(allow_null=True, help_text="The most of one payment.")
    daily_amount = serializers.CharField(allow_null=True, help_text="The most of a day's payments.")
    daily_count = serializers.IntegerField(allow_null=True, help_text="The most payments a day.")


class LimitRequestSerializer(serializers.ModelSerializer[LimitRequest]):
    """A requested overdraft limit that needs a second person, as staff see it."""

    limit_request_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    account_id = serializers.UUIDField(help_text="The account of the limit.")
    currency = serializers.CharField(help_text="ISO 4217 code of the account.")
    overdraft_limit = AmountOutputField(help_text="The requested limit.")
    limit_before = AmountOutputField(help_text="The limit at the time of the request.")
    limits = RequestedLimitsSerializer(
        source="limits_after",
        allow_null=True,
        help_text="The requested limits of payments; null if the overdraft limit is requested.",
    )
    status = serializers.ChoiceField(
        LimitRequestStatus.choices, help_text="PENDING until someone else decides."
    )
    requested_by = serializers.CharField(
        source="requested_by.username",
        default=None,
        allow_null=True,
        help_text="User name of the requester, who may not approve it.",
    )
    decided_by = serializers.CharField(
        source="decided_by.username", default=None, allow_null=True, help_text="Who decided."
    )
    created_at = OffsetDateTimeField(help_text="When the limit was requested (UTC).")
    decided_at = OffsetDateTimeField(
        allow_null=True, help_text="When someone decided (UTC); null until then."
    )

    class Meta:
        model = LimitRequest
        fields = (
            "limit_request_id",
            "account_id",
            "currency",
            "overdraft_limit",
            "limit_before",
            "limits",
            "reason",
            "status",
            "requested_by",
            "created_at",
            "decided_by",
            "decided_at",
            "decision_reason",
        )
        read_only_fields = fields
        extra_kwargs = {
            "reason": {"help_text": "The reason for the request."},
            "decision_reason": {"help_text": "The reason for the decision; may be empty."},
        }


class OpenAccountBody(StrictSerializer):
    """The body of `POST accounts/`."""

    name = StrictCharField(max_length=200, help_text="Name of the account.")
    initial_balance = AmountInputField(
        required=False,
        allow_null=True,
        help_text="Amount paid in at opening, as a separate deposit. Default: none.",
    )
    currency = CurrencyField(
        required=False,
        allow_null=True,
        help_text="ISO 4217 code, fixed for good. Default: the bank's own.",
    )
    owner = StrictCharField(
        required=False,
        allow_null=True,
        max_length=150,
        help_text="User name of the customer who may see the account and transfer from it. With a"
        " `customer`, it can only be the customer's user, and may be left out.",
    )
    customer = StrictUUIDField(
        required=False,
        allow_null=True,
        help_text="Identifier of the customer (UUID), whose user becomes the owner. Default: the"
        " customer whose user the owner is.",
    )
    overdraft_limit = AmountInputField(
        required=False, allow_null=True, help_text="How far below zero the balance may go."
    )
    metadata = MetadataField(
        required=False, allow_null=True, help_text="Your own notes: up to 20 texts by name."
    )


def opening_defaults() -> dict[str, Any]:
    """The defaults of the members when an account is opened."""
    return {
        "initial_balance": 0,
        "overdraft_limit": 0,
        "currency": settings.BANK_DEFAULT_CURRENCY,
        "metadata": {},
    }


class ChangeAccountBody(StrictSerializer):
    """The body of `PATCH accounts/{account_id}/`: at least one of the members."""

    name = StrictCharField(required=False, max_length=200, help_text="The new name.")
    metadata = MetadataField(required=False, help_text="The new notes, in place of all old ones.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give a name or metadata.", code="required")
        return attrs


class ReasonBody(StrictSerializer):
    """A body with a reason."""

    reason = StrictCharField(
        max_length=MAX_REASON_LENGTH, help_text="The reason, kept in the audit log."
    )


class OptionalReasonBody(StrictSerializer):
    """A body with an optional reason."""

    reason = StrictCharField(
        default="",
        allow_blank=True,
        allow_null=True,
        max_length=MAX_REASON_LENGTH,
        help_text="The reason, kept in the event.",
    )


class GiveCustomerBody(ReasonBody):
    """The body of `accounts/{account_id}/customer/`."""

    customer = StrictUUIDField(help_text="Identifier of the customer (UUID).")


class FreezeBody(ReasonBody):
    """The body of `freeze/`."""

    scope = serializers.ChoiceField(
        FreezeScope.choices,
        default=FreezeScope.ALL,
        help_text="Which side to block: debits, credits or all (default).",
    )


class OverdraftLimitBody(ReasonBody):
    """The body of `overdraft_limit/`."""

    overdraft_limit = AmountInputField(help_text="How far below zero the balance may go.")
