"""Serializer fields: each accepts one type in one notation, and prints the documented form."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import get_attribute

from core.currencies import CURRENCIES
from core.days import is_day
from core.identifiers import parse_uuid
from core.money import format_amount, parse_amount
from core.texts import check_text

_AMOUNT_INPUT_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"
_AMOUNT_OUTPUT_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"

# RFC 3339, section 5.6, with an upper-case T and at most microseconds, the stored precision.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)

_UTC_OFFSET = "+00:00"


class BadMoment(ValueError):
    """A text is not a valid moment. Carries the error's code."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


def parse_moment(value: Any) -> datetime:
    """Parses an RFC 3339 moment and returns it in UTC. The offset is required.

    Raises BadMoment.
    """
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        detail = 'A date and time with an offset is required, like "2026-01-31T09:30:00Z".'
        if isinstance(value, str) and _RFC_3339.fullmatch(value.replace(" ", "+")):
            detail += ' In a URL the "+" of an offset is written "%2B".'
        raise BadMoment("invalid", detail)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day; or year 10000 in UTC
        raise BadMoment("out_of_range", "That moment is out of range.") from None


def rfc_3339(moment: datetime) -> str:
    """The moment as every response prints it: RFC 3339, in UTC, with all its microseconds."""
    text = moment.isoformat(timespec="microseconds")
    if not text.endswith(_UTC_OFFSET):
        text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text.removesuffix(_UTC_OFFSET)}Z"


def json_moment(moment: datetime) -> datetime | str:
    """As `rfc_3339`, but left to the JSON encoder where that prints the same, which takes a tenth.

    The encoder drops a fraction of zero, and keeps an offset.
    """
    return moment if moment.microsecond and moment.tzinfo is UTC else rfc_3339(moment)


class StrictCharField(serializers.CharField):
    """A text, kept as sent: JSON strings only, nothing trimmed, checked by `check_text`.

    White space alone counts as blank. With `multiline` it may contain tabs and line feeds.
    """

    default_error_messages = {"invalid": "A text is required."}

    def __init__(self, *, multiline: bool = False, **kwargs: Any) -> None:
        self.multiline = multiline
        super().__init__(trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data and not data.strip() and not self.allow_blank:
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            check_text(data, multiline=self.multiline)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_character") from error
        return data


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": _AMOUNT_INPUT_PATTERN, "maxLength": 40},
            {"type": "number", "minimum": 0},
        ],
        "example": "250.00",
    }
)
class AmountInputField(serializers.Field[Any, Any, Any, Any]):
    """An amount in plain decimal notation, as text or JSON number: an exact Decimal.

    `validate_amount` checks the currency's digits and the range.
    """

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            return parse_amount(data)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_amount") from error

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


@extend_schema_field({"type": "string", "pattern": _AMOUNT_OUTPUT_PATTERN, "example": "250.00"})
class AmountOutputField(serializers.Field[Any, Any, Any, Any]):
    """An amount as text with exactly the digits of its currency.

    `currency_source` is the path, with dots, from the instance to the currency's code.
    """

    def __init__(self, *, currency_source: str = "currency", **kwargs: Any) -> None:
        self.currency_source = currency_source
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> str | None:
        amount = super().get_attribute(instance)
        if amount is None:
            return None
        currency = get_attribute(instance, self.currency_source.split("."))
        return format_amount(amount, currency)

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{3}$", "example": "USD"})
class CurrencyField(serializers.Field[Any, Any, Any, Any]):
    """An alphabetic ISO 4217 code that accounts can have, in upper case."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in CURRENCIES:
            raise ValidationError("A known ISO 4217 code is required.", code="unknown_currency")
        return data

    def to_representation(self, value: str) -> str:
        return value


class StrictUUIDField(serializers.UUIDField):
    """A UUID in its canonical form of 36 characters (RFC 9562); letters of either case are read."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return parse_uuid(data)
        except ValueError:
            self.fail("invalid", value=data)


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false` of JSON, and none of the words and numbers that may mean either."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise ValidationError("true or false is required.", code="invalid")
        return data


@extend_schema_field(
    {"type": "string", "format": "date-time", "example": "2026-01-31T09:30:00.000000Z"}
)
class OffsetDateTimeField(serializers.Field[Any, Any, Any, Any]):
    """An RFC 3339 moment: the input needs an offset, the output is in UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return parse_moment(data)
        except BadMoment as error:
            raise ValidationError(str(error), code=error.code) from error

    def to_representation(self, value: datetime) -> str:
        return rfc_3339(value)


class StrictDateField(serializers.DateField):
    """A day in one notation: YYYY-MM-DD (RFC 3339, full-date)."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not is_day(value):
            raise ValidationError('A day is required, like "2026-01-31".', code="invalid")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day.", code="out_of_range") from None


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": 20,
        "additionalProperties": {"type": "string", "maxLength": 500},
        "example": {"customer_reference": "C-1001"},
    }
)
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """The client's notes: a flat object of up to 20 texts (names 1 to 40 characters, texts 500)."""

    max_entries = 20
    max_name_length = 40
    max_text_length = 500

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, Mapping):
            raise ValidationError("An object is required.", code="not_an_object")
        if len(data) > self.max_entries:
            raise ValidationError(f"At most {self.max_entries} names.", code="max_entries")
        errors = {name: [error] for name in data if (error := self._error(name, data[name]))}
        if errors:
            raise ValidationError(errors)
        return dict(data)

    def _error(self, name: str, text: Any) -> ErrorDetail | None:
        if not 1 <= len(name) <= self.max_name_length:
            detail = f"A name has 1 to {self.max_name_length} characters."
            return ErrorDetail(detail, code="invalid_name")
        if not isinstance(text, str):
            return ErrorDetail("A text is required.", code="invalid")
        if len(text) > self.max_text_length:
            return ErrorDetail(f"At most {self.max_text_length} characters.", code="max_length")
        try:
            check_text(name)
            check_text(text)
        except ValueError as error:
            return ErrorDetail(str(error), code="invalid_character")
        return None

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value
