"""Shapes of transactions and ledger lines on the wire."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import CASH, internal_account_id
from core.api.fields import (
    AmountOutputField,
    OffsetDateTimeField,
)
from core.money import format_amount
from transactions.failures import is_retryable
from transactions.models import Entry, EntrySide, Transaction, TransactionEvent
from transactions.states import TransactionStatus, TransactionType


class FailureSerializer(serializers.Serializer[Transaction]):
    """Why a transaction failed."""

    code = serializers.CharField(source="failure_code", help_text="Stable error code.")
    detail = serializers.CharField(source="failure_detail", help_text="The reason in words.")
    retryable = serializers.SerializerMethodField(
        help_text="Whether `retry/` may be asked for. It never means to send the request again."
    )

    def get_retryable(self, transaction: Transaction) -> bool:
        return is_retryable(transaction)


class TransactionSerializer(serializers.ModelSerializer[Transaction]):
    """A transaction as one of its sides sees it.

    Context: `own_account_ids`, the accounts whose side may be shown (None for all).
    """

    transaction_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    account_id = serializers.SerializerMethodField(
        help_text="The customer of a deposit or withdrawal; the debited account of a transfer."
    )
    target_account_id = serializers.SerializerMethodField(
        help_text="The credited account of a transfer; null otherwise."
    )
    amount = AmountOutputField(help_text="Always above zero.")
    description = serializers.SerializerMethodField(
        help_text="What it is for. Why the bank reversed something, staff only read."
    )
    balance_after = serializers.SerializerMethodField(
        help_text="Balance of one's own side after posting; null if nothing was posted."
    )
    failure = serializers.SerializerMethodField(help_text="Why it failed; null if it did not.")
    approval_required = serializers.BooleanField(
        help_text="Whether a second person had or has to approve it."
    )
    scheduled_for = OffsetDateTimeField(
        allow_null=True, help_text="When it is to be processed (UTC); null for as soon as possible."
    )
    reverses = serializers.UUIDField(
        source="reverses_id", allow_null=True, help_text="The transaction that this one reverses."
    )
    effective_at = OffsetDateTimeField(help_text="Value date (UTC).")
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
            "type": {"help_text": "What kind of transaction."},
            "status": {"help_text": "COMPLETED is final; FAILED says why in `failure`."},
            "currency": {"help_text": "ISO 4217 code, the one of both accounts."},
            "description": {"help_text": "What it is for."},
            "retry_count": {"help_text": "How often a retry was asked for."},
        }

    @extend_schema_field({"type": "string", "format": "uuid"})
    def get_account_id(self, transaction: Transaction) -> str:
        return str(_sides(transaction)[0])

    @extend_schema_field({"type": "string", "format": "uuid", "nullable": True})
    def get_target_account_id(self, transaction: Transaction) -> str | None:
        target = _sides(transaction)[1]
        return str(target) if target else None

    @extend_schema_field({"type": "string"})
    def get_description(self, transaction: Transaction) -> str:
        own = self.context.get("own_account_ids")
        is_told = own is None or self.context.get("shows_reasons", False)
        if transaction.type == TransactionType.REVERSAL and not is_told:
            return ""
        return transaction.description

    @extend_schema_field({"type": "string", "nullable": True, "example": "250.00"})
    def get_balance_after(self, transaction: Transaction) -> str | None:
        balance = self._own_balance_after(transaction)
        if balance is None:
            return None
        return format_amount(balance, transaction.currency)

    def _own_balance_after(self, transaction: Transaction) -> Decimal | None:
        """Of the debited side if that is a customer's one may see, else of the credited side."""
        own = self.context.get("own_account_ids")
        sides = (
            (transaction.debit_account_id, transaction.debit_balance_after),
            (transaction.credit_account_id, transaction.credit_balance_after),
        )
        visible = (balance for account_id, balance in sides if own is None or account_id in own)
        return next((balance for balance in visible if balance is not None), None)

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, transaction: Transaction) -> dict[str, Any] | None:
        if not transaction.failure_code:
            return None
        return FailureSerializer(transaction).data


class DirectedTransactionSerializer(TransactionSerializer):
    """A transaction in the history of the account that the context names as `account_id`."""

    direction = serializers.SerializerMethodField(
        help_text="Whether it debits or credits the account in question."
    )

    class Meta(TransactionSerializer.Meta):
        fields = (*TransactionSerializer.Meta.fields, "direction")
        read_only_fields = fields

    @extend_schema_field({"type": "string", "enum": ["debit", "credit"]})
    def get_direction(self, transaction: Transaction) -> str:
        debited = transaction.debit_account_id == self.context["account_id"]
        return "debit" if debited else "credit"


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
            "caller": {"help_text": "What acted: a user, an API client, a worker or a job."},
            "attempt": {"help_text": "Number of the attempt, from 0."},
            "reason": {"help_text": "Why, as it was given."},
            "detail": {"help_text": "What the transition overwrote or found."},
        }


class TransactionDetailSerializer(TransactionSerializer):
    """A transaction with its ledger lines and its events."""

    entries = EntrySerializer(many=True, help_text="Ledger lines of the sides one may see.")
    events = TransactionEventSerializer(many=True, help_text="What happened after it was made.")
    reversed_by = serializers.SerializerMethodField(
        help_text="The reversal of this transaction, if there is one."
    )

    class Meta(TransactionSerializer.Meta):
        fields = (*TransactionSerializer.Meta.fields, "reversed_by", "entries", "events")
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uuid", "nullable": True})
    def get_reversed_by(self, transaction: Transaction) -> str | None:
        reversals = transaction.reversals.exclude(status=TransactionStatus.FAILED)
        if self.context.get("own_account_ids") is not None:
            reversals = reversals.filter(status=TransactionStatus.COMPLETED)
        reversal = reversals.first()
        return str(reversal.pk) if reversal else None


class BalanceSerializer(serializers.Serializer[Any]):
    """The balance of an account at a moment."""

    account_id = serializers.UUIDField(help_text="The account.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    balance = AmountOutputField(help_text="Balance after everything posted until then.")
    available_balance = AmountOutputField(
        allow_null=True,
        help_text="Balance plus overdraft limit; null for a past moment and an internal account.",
    )
    at = OffsetDateTimeField(help_text="The moment (UTC).")


def _sides(transaction: Transaction) -> tuple[UUID, UUID | None]:
    """`account_id` and `target_account_id`: internal accounts are not named to clients."""
    if transaction.type == TransactionType.DEPOSIT:
        return transaction.credit_account_id, None
    if transaction.type == TransactionType.WITHDRAW:
        return transaction.debit_account_id, None
    cash = internal_account_id(CASH, transaction.currency)
    if transaction.debit_account_id == cash:
        return transaction.credit_account_id, None
    if transaction.credit_account_id == cash:
        return transaction.debit_account_id, None
    return transaction.debit_account_id, transaction.credit_account_id
