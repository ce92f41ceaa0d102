"""Serializers of transactions and ledger lines."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.serializers import AccountSerializer
from core.api.fields import AmountOutputField, OffsetDateTimeField
from transactions.models import Entry, EntrySide, Transaction, TransactionEvent
from transactions.reads.representation import Row, represent
from transactions.states import TransactionStatus


class FailureSerializer(serializers.Serializer[Transaction]):
    """Why a transaction failed."""

    code = serializers.CharField(help_text="Stable error code.")
    detail = serializers.CharField(help_text="The reason in words.")
    retryable = serializers.BooleanField(
        read_only=True,
        help_text="Whether `retry/` is possible. It never asks you to send the request again.",
    )


class TransactionSerializer(serializers.ModelSerializer[Transaction]):
    """A transaction as one of its sides sees it.

    Context: `own_account_ids`, the accounts whose side may be shown (None for all), and
    `shows_reasons`, whether an owner sees the bank's reasons too.
    """

    transaction_id = serializers.UUIDField(help_text="Identifier (UUIDv7).")
    account_id = serializers.UUIDField(
        read_only=True,
        help_text="The customer's account of a deposit or withdrawal; the debited account of a"
        " transfer.",
    )
    target_account_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The credited account of a transfer; null otherwise.",
    )
    amount = AmountOutputField(help_text="Always above zero.")
    description = serializers.CharField(
        read_only=True,
        help_text="Purpose. Only staff see the bank's reason for a reversal.",
    )
    balance_after = AmountOutputField(
        allow_null=True,
        help_text="Balance of the reader's side after posting; null if nothing was posted.",
    )
    failure = FailureSerializer(
        read_only=True, allow_null=True, help_text="Why it failed; null if it did not."
    )
    approval_required = serializers.BooleanField(
        help_text="Whether a second person had or has to approve it."
    )
    scheduled_for = OffsetDateTimeField(
        allow_null=True, help_text="When it is to be processed (UTC); null for as soon as possible."
    )
    reverses = serializers.UUIDField(
        allow_null=True, help_text="The transaction that this one reverses."
    )
    effective_at = OffsetDateTimeField(
        help_text="Value date (UTC): the given one; for a scheduled transaction its scheduled"
        " time; else the time of the request. It never changes."
    )
    created_at = OffsetDateTimeField(help_text="When it was asked for (UTC).")
    updated_at = OffsetDateTimeField(help_text="When its status last changed (UTC).")
    completed_at = OffsetDateTimeField(
        allow_null=True, help_text="When it was posted (UTC); null if it was not."
    )

    class Meta:
        model = Transaction
        fields: tuple[str, ...] = (
            "transaction_id",
            "type",
            "status",
            "account_id",
            "target_account_id",
            "amount",
            "currency",
            "balance_after",
            "description",
            "failure",
            "retry_count",
            "approval_required",
            "scheduled_for",
            "reverses",
            "effective_at",
            "created_at",
            "updated_at",
            "completed_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "type": {"help_text": "Type of transaction."},
            "status": {"help_text": "COMPLETED is final; FAILED says why in `failure`."},
            "currency": {"help_text": "ISO 4217 code, the one of both accounts."},
            "description": {"help_text": "What it is for."},
            "retry_count": {"help_text": "How often a retry was asked for."},
        }

    def to_representation(self, instance: Row) -> dict[str, Any]:
        members = represent(
            instance,
            own=self.context.get("own_account_ids"),
            tells_reasons=self.context.get("shows_reasons", False),
        )
        members |= self.further_members(instance)
        return {name: members[name] for name in self.Meta.fields}

    def further_members(self, instance: Any) -> dict[str, Any]:
        """Extra members of a subclass."""
        return {}


@extend_schema_field({"type": "string", "enum": ["debit", "credit"]})
class _DirectionField(serializers.CharField):
    """The account's side of a transaction."""


class DirectedTransactionSerializer(TransactionSerializer):
    """A transaction in the history of an account."""

    direction = _DirectionField(
        read_only=True, help_text="Whether it debits or credits the account in question."
    )

    class Meta(TransactionSerializer.Meta):
        fields = (*TransactionSerializer.Meta.fields, "direction")
        read_only_fields = fields


class EntrySerializer(serializers.ModelSerializer[Entry]):
    """A ledger line: one side of a posted transaction."""

    transaction_id = serializers.UUIDField(help_text="The transaction that was posted.")
    account_id = serializers.UUIDField(help_text="The account whose ledger line this is.")
    side = serializers.ChoiceField(EntrySide.choices, help_text="Debit or credit.")
    sequence = serializers.IntegerField(
        allow_null=True, help_text="The account's own count of its entries, from 1, without gaps."
    )
    amount = AmountOutputField(help_text="Signed: a credit above zero, a debit below.")
    balance_after = AmountOutputField(
        allow_null=True, help_text="Balance of the account after this entry."
    )
    posted_at = OffsetDateTimeField(help_text="When it was posted (UTC).")
    effective_at = OffsetDateTimeField(
        source="transaction.effective_at", help_text="Value date (UTC)."
    )

    class Meta:
        model = Entry
        fields = (
            "transaction_id",
            "account_id",
            "side",
            "sequence",
            "amount",
            "balance_after",
            "currency",
            "posted_at",
            "effective_at",
        )
        read_only_fields = fields
        extra_kwargs = {"currency": {"help_text": "ISO 4217 code, the account's own."}}


class TransactionEventSerializer(serializers.ModelSerializer[TransactionEvent]):
    """A later transition of a transaction."""

    actor = serializers.CharField(
        source="actor.username", default=None, allow_null=True, help_text="User who asked for it."
    )
    at = OffsetDateTimeField(help_text="When it happened (UTC).")

    class Meta:
        model = TransactionEvent
        fields = (
            "event",
            "from_status",
            "to_status",
            "attempt",
            "actor",
            "caller",
            "reason",
            "detail",
            "at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "event": {"help_text": "What happened."},
            "from_status": {"help_text": "Status before."},
            "to_status": {"help_text": "Status after."},
            "caller": {"help_text": "The actor: a user, an API client, a worker or a job."},
            "attempt": {"help_text": "Number of the attempt, from 0."},
            "reason": {"help_text": "Why, as it was given."},
            "detail": {"help_text": "Values that the transition overwrote or found."},
        }


class TransactionDetailSerializer(TransactionSerializer):
    """A transaction with its ledger lines and its events."""

    entries = EntrySerializer(many=True, help_text="Ledger lines of the sides that you may see.")
    events = TransactionEventSerializer(many=True, help_text="Events after its creation.")
    reversed_by = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The reversal of this transaction, if there is one.",
    )
    hold_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The hold that it captures a part of. Null for other transactions, and for"
        " customers who are not the payer.",
    )

    class Meta(TransactionSerializer.Meta):
        fields = (
            *TransactionSerializer.Meta.fields,
            "reversed_by",
            "hold_id",
            "entries",
            "events",
        )
        read_only_fields = fields


class BalanceSerializer(serializers.Serializer[Any]):
    """The balance of an account at a moment."""

    account_id = serializers.UUIDField(help_text="The account.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    balance = AmountOutputField(help_text="Balance after everything posted until then.")
    available_balance = AmountOutputField(
        allow_null=True,
        help_text="Balance plus overdraft limit; null for a past moment and an internal account.",
    )
    at = OffsetDateTimeField(
        help_text="The moment of this balance (UTC). The balance at that moment never changes."
    )


class InitialDepositSerializer(serializers.Serializer[Any]):
    """The deposit of an initial balance."""

    transaction_id = serializers.UUIDField(source="id", help_text="Its transaction.")
    status = serializers.ChoiceField(
        TransactionStatus.choices,
        help_text="COMPLETED if the money is in the account; PENDING while the deposit waits for a"
        " second person.",
    )


class OpenedAccountSerializer(AccountSerializer):
    """An account as its opening returns it."""

    initial_deposit = InitialDepositSerializer(
        read_only=True,
        allow_null=True,
        help_text="The deposit of the initial balance, which may wait. Null if there was none.",
    )

    class Meta(AccountSerializer.Meta):
        fields = (*AccountSerializer.Meta.fields, "initial_deposit")
        read_only_fields = fields
