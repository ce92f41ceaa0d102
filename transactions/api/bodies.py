"""Serializers of request bodies and queries about money."""

from core.api.fields import AmountInputField, OffsetDateTimeField, StrictCharField, StrictUUIDField
from core.api.serializers import StrictSerializer
from transactions.models.transaction import MAX_DESCRIPTION_LENGTH


def amount_field() -> AmountInputField:
    return AmountInputField(
        help_text="How much, in main units of the account's currency, above zero."
    )


def description_field() -> StrictCharField:
    return StrictCharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_DESCRIPTION_LENGTH,
        help_text="Purpose; shown in the history.",
    )


def value_date_field() -> OffsetDateTimeField:
    return OffsetDateTimeField(
        required=False,
        allow_null=True,
        help_text="Value date, for staff only: a past moment within BANK_BACKDATE_DAYS (RFC 3339,"
        " offset required). Default: the time of the request; for a scheduled transaction its"
        " scheduled time, even if it is posted late.",
    )


class AmountBody(StrictSerializer):
    """The body of `deposit/` and `withdraw/`."""

    amount = amount_field()
    description = description_field()
    scheduled_for = OffsetDateTimeField(
        required=False,
        allow_null=True,
        help_text="Queue it for this moment (RFC 3339, offset required), which is its value date"
        " then; null for now. A past moment means now. Not together with `effective_at`.",
    )
    effective_at = value_date_field()


class TransferBody(AmountBody):
    """The body of `transfer/`."""

    target_account_id = StrictUUIDField(help_text="The account to credit.")


class BalanceQuery(StrictSerializer):
    """Query parameters of `balance/`."""

    at = OffsetDateTimeField(
        required=False,
        help_text="A past moment (RFC 3339, offset required): the balance after everything posted"
        " until then. The request waits for postings in progress, or fails with `busy`.",
    )
