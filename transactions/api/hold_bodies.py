"""Serializers of holds: request bodies, queries and responses."""

from typing import Any

from rest_framework import serializers

from core.api.fields import (
    AmountInputField,
    AmountOutputField,
    OffsetDateTimeField,
    StrictBooleanField,
    StrictUUIDField,
)
from core.api.requests import PageQuery
from core.api.serializers import StrictSerializer
from transactions.api.bodies import amount_field, description_field
from transactions.api.dry_run import AlwaysTrueField
from transactions.commands.holds import LONGEST_TIME, USUAL_TIME
from transactions.models import Hold, HoldCapture
from transactions.states import HoldStatus, TransactionStatus


class HoldBody(StrictSerializer):
    """The body of `hold/`."""

    amount = amount_field()
    target_account_id = StrictUUIDField(
        required=False,
        allow_null=True,
        help_text="The account that captures credit. Default: they pay cash out.",
    )
    description = description_field()
    expires_at = OffsetDateTimeField(
        required=False,
        allow_null=True,
        help_text="From this moment on nothing can be captured (RFC 3339, offset required): at"
        f" most {LONGEST_TIME.days} days from now. Default: in {USUAL_TIME.days} days.",
    )


class CaptureBody(StrictSerializer):
    """The body of `capture/`."""

    amount = AmountInputField(
        required=False,
        allow_null=True,
        help_text="How much, in main units, up to what the hold still reserves. Default: all of"
        " that.",
    )
    final = StrictBooleanField(
        required=False,
        allow_null=True,
        help_text="Releases the rest: nothing more is captured. Default: false.",
    )


class HoldQuery(PageQuery):
    """Query parameters of the holds of an account."""

    status = serializers.ChoiceField(
        HoldStatus.choices, required=False, help_text="OPEN, CAPTURED, VOIDED or EXPIRED."
    )


class HoldsQuery(HoldQuery):
    """Query parameters of `holds/`."""

    account = StrictUUIDField(required=False, help_text="Identifier of an account (UUID).")


class HoldSerializer(serializers.ModelSerializer[Hold]):
    """A hold: money of an account that is reserved for later payments."""

    hold_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    account_id = serializers.UUIDField(help_text="The account whose money is reserved.")
    target_account_id = serializers.UUIDField(
        allow_null=True, help_text="The account that captures credit; null if they pay cash out."
    )
    amount = AmountOutputField(help_text="What was reserved.")
    captured = AmountOutputField(help_text="Sum of its posted captures.")
    held = AmountOutputField(help_text="What it still reserves; zero once it has ended.")
    status = serializers.ChoiceField(
        HoldStatus.choices, help_text="OPEN while it reserves money; the others are final."
    )
    expires_at = OffsetDateTimeField(help_text="From then on nothing can be captured (UTC).")
    created_at = OffsetDateTimeField(help_text="When it was placed (UTC).")
    updated_at = OffsetDateTimeField(help_text="When it last changed (UTC).")
    ended_at = OffsetDateTimeField(
        allow_null=True, help_text="When it was captured, voided or expired (UTC)."
    )

    class Meta:
        model = Hold
        fields: tuple[str, ...] = (
            "hold_id",
            "account_id",
            "target_account_id",
            "amount",
            "captured",
            "held",
            "currency",
            "status",
            "description",
            "expires_at",
            "created_at",
            "updated_at",
            "ended_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "currency": {"help_text": "ISO 4217 code, the account's own."},
            "description": {"help_text": "What it is for; captures have it too."},
        }


class CaptureSerializer(serializers.ModelSerializer[HoldCapture]):
    """A transaction that captures a part of a hold."""

    transaction_id = serializers.UUIDField(help_text="The transaction.")
    amount = AmountOutputField(
        source="transaction.amount",
        currency_source="transaction.currency",
        help_text="How much of the hold.",
    )
    status = serializers.ChoiceField(
        TransactionStatus.choices,
        source="transaction.status",
        help_text="COMPLETED once it is paid; PENDING while it waits for approval.",
    )
    created_at = OffsetDateTimeField(
        source="transaction.created_at", help_text="When it was asked for (UTC)."
    )

    class Meta:
        model = HoldCapture
        fields = ("transaction_id", "amount", "status", "final", "created_at")
        read_only_fields = fields
        extra_kwargs = {"final": {"help_text": "Whether it releases the rest of the hold."}}


class HoldDetailSerializer(HoldSerializer):
    """A hold with its captures."""

    captures = CaptureSerializer(many=True, help_text="Its captures, oldest first.")

    class Meta(HoldSerializer.Meta):
        fields = (*HoldSerializer.Meta.fields, "captures")
        read_only_fields = fields


class HoldDryRunSerializer(HoldSerializer):
    """The hold as it would be, without times of storage. The context has `replays`."""

    dry_run = AlwaysTrueField(read_only=True, help_text="Always true: nothing was done.")
    replays = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The hold that already has this idempotency key: the request would return it and"
        " do nothing. Null if the request would take effect.",
    )

    class Meta(HoldSerializer.Meta):
        fields = (
            "dry_run",
            "replays",
            "account_id",
            "target_account_id",
            "amount",
            "captured",
            "held",
            "currency",
            "status",
            "description",
            "expires_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Any) -> dict[str, Any]:
        replays = self.context["replays"]
        known = {"dry_run": True, "replays": replays and str(replays)}
        members = super().to_representation(instance)
        return {name: known.get(name, members.get(name)) for name in self.Meta.fields}
