"""What statements look like in the API, for its description; and the parameters of their routes."""

from datetime import date, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from core import clock
from core.api.fields import AmountOutputField, CurrencyField, OffsetDateTimeField, StrictDateField
from core.api.requests import PageQuery
from core.api.serializers import StrictSerializer
from statements.documents.content import DocumentFormat
from statements.documents.render import CONTENT_TYPES
from transactions.statistics.spans import Calendar

_MEDIA = ", ".join(f"`{media_type}`" for media_type in CONTENT_TYPES.values())
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_DAY = timedelta(days=1)


class StatementListQuery(PageQuery):
    """The parameters of a list of statements."""


class StatementQuery(StrictSerializer):
    """The parameters of a statement."""

    format = serializers.ChoiceField(
        [str(each) for each in DocumentFormat],
        required=False,
        help_text=f"Overrides Accept: {_MEDIA}.",
    )


class InterimQuery(StatementQuery):
    """The parameters of an interim statement. `from` is a word of Python."""

    to = StrictDateField(
        required=False, help_text="The day before which it ends. Default: tomorrow."
    )

    def get_fields(self) -> dict[str, Any]:
        first = StrictDateField(
            required=False,
            help_text="The first day (YYYY-MM-DD, in the bank's time zone). Default: the first of"
            " the month.",
        )
        return {"from": first, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Adds the days that were left out. Reports a span that is empty."""
        for name in ("from", "to"):
            day: date | None = attrs.get(name)
            if day is not None and not _FIRST_YEAR < day.year <= _LAST_YEAR:
                error = ErrorDetail("That day is out of range.", code="out_of_range")
                raise ValidationError({name: [error]})
        today = Calendar().day_of(clock.about_now())
        first = attrs.get("from", (attrs.get("to", today + _DAY) - _DAY).replace(day=1))
        end = attrs.get("to", max(first, today) + _DAY)
        if end <= first:
            error = ErrorDetail("The span is empty: `to` is not after `from`.", code="empty_span")
            raise ValidationError({"to": [error]})
        return {**attrs, "from": first, "to": end}


class _FiguresSerializer(serializers.Serializer[Any]):
    """The period and the figures of a statement."""

    to = OffsetDateTimeField(help_text="The moment before which the period ends (UTC).")
    time_zone = serializers.CharField(help_text="The bank's time zone, which its days follow.")
    count = serializers.IntegerField(min_value=0, help_text="Number of entries.")
    opening_balance = AmountOutputField(help_text="Balance before the first entry.")
    closing_balance = AmountOutputField(help_text="Balance after the last entry.")
    total_debits = AmountOutputField(help_text="Sum of all debits, without a sign.")
    total_credits = AmountOutputField(help_text="Sum of all credits.")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python.
        first = OffsetDateTimeField(help_text="When the period begins (UTC).")
        return {"from": first, **super().get_fields()}


_DIGEST = "^[0-9a-f]{64}$"


class StatementSerializer(_FiguresSerializer):
    """A statement that was issued: it never changes."""

    statement_id = serializers.UUIDField(help_text="Identifier (UUIDv7).")
    account_id = serializers.UUIDField(help_text="The account.")
    account_number = serializers.CharField(help_text="The account's number.")
    currency = CurrencyField(help_text="ISO 4217 code.")
    number = serializers.IntegerField(min_value=1, help_text="1..n in each account, without a gap.")
    period = serializers.RegexField("^[0-9]{4}-[0-9]{2}$", help_text="The month.")
    first_sequence = serializers.IntegerField(
        min_value=1, help_text="Sequence of the first entry, also if there is none yet."
    )
    last_sequence = serializers.IntegerField(
        min_value=0, help_text="Sequence of the last entry; one less than the first without any."
    )
    digest = serializers.RegexField(_DIGEST, help_text="SHA-256 over all figures and entries.")
    previous_digest = serializers.RegexField(
        _DIGEST, allow_null=True, help_text="Digest of the statement before; null for the first."
    )
    issued_at = OffsetDateTimeField(help_text="When it was issued (UTC).")


class StatementAccountSerializer(serializers.Serializer[Any]):
    """The account of a statement."""

    id = serializers.UUIDField(help_text="Identifier of the account.")
    number = serializers.CharField(help_text="The account's number.")
    name = serializers.CharField(help_text="The account's present name.")
    customer = serializers.CharField(
        allow_blank=True, help_text="The customer's present name; empty without a customer."
    )
    currency = CurrencyField(help_text="ISO 4217 code.")
    overdraft_limit = AmountOutputField(help_text="The limit when the period ended.")
    held = AmountOutputField(help_text="What open holds reserved then. It is not booked.")


class StatedEntrySerializer(serializers.Serializer[Any]):
    """An entry of a statement: a debit or a credit."""

    sequence = serializers.IntegerField(min_value=1, help_text="Its place in the account.")
    transaction_id = serializers.UUIDField(help_text="The transaction.")
    type = serializers.CharField(help_text="Type of the transaction.")
    posted_at = OffsetDateTimeField(help_text="When it was posted (UTC).")
    effective_at = OffsetDateTimeField(help_text="Its value date (UTC).")
    text = serializers.CharField(help_text="What happened, in words.")
    description = serializers.CharField(
        allow_blank=True, help_text="What the maker wrote; empty for a reversal."
    )
    debit = AmountOutputField(allow_null=True, help_text="What left the account; else null.")
    credit = AmountOutputField(allow_null=True, help_text="What entered the account; else null.")
    balance_after = AmountOutputField(help_text="Balance after this entry.")
    counterparty_number = serializers.CharField(
        allow_null=True, help_text="Number of the other account; null for the bank's own."
    )
    counterparty_name = serializers.CharField(
        allow_null=True,
        help_text="Name of the other account, if it is the same customer's; else null.",
    )
    reverses = serializers.UUIDField(
        allow_null=True, help_text="The transaction that this one reverses."
    )
    reversed_by = serializers.UUIDField(
        allow_null=True, help_text="Its reversal, if one was posted before the period ended."
    )
    has_earlier_value_date = serializers.BooleanField(
        help_text="Whether the value date is on an earlier day than the posting."
    )


class StatementDocumentSerializer(_FiguresSerializer):
    """A statement with its entries. An interim one is not issued: it has no number, no digest."""

    bank = serializers.CharField(help_text="The bank's name.")
    account = StatementAccountSerializer(help_text="The account.")
    number = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="1..n in each account; null if interim."
    )
    issued_at = OffsetDateTimeField(help_text="When it was issued or, if interim, made (UTC).")
    secret = serializers.RegexField(
        _DIGEST, allow_null=True, help_text="Random, and part of the digest; null if interim."
    )
    digest = serializers.RegexField(
        _DIGEST, allow_null=True, help_text="SHA-256 over all figures and entries; null if interim."
    )
    previous_digest = serializers.RegexField(
        _DIGEST, allow_null=True, help_text="Digest of the statement before; null without one."
    )
    check_url = serializers.URLField(
        allow_null=True, help_text="Where anyone may check the digest; null if interim."
    )
    seal = serializers.CharField(
        allow_null=True, help_text="The newest seal of the ledger at the time of issue; or null."
    )
    lines = StatedEntrySerializer(many=True, help_text="The entries in order of sequence.")
