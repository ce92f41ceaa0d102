from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from core.api.fields import (
    AmountInputField,
    AmountOutputField,
    BadMoment,
    CurrencyField,
    MetadataField,
    OffsetDateTimeField,
    StrictCharField,
    StrictUUIDField,
    parse_moment,
)
from core.api.serializers import StrictSerializer
from core.tests.test_money import BAD_AMOUNTS, label


def codes(field: serializers.Field, value: Any) -> list[str]:
    """The codes of the errors with which the field refuses the value."""
    with pytest.raises(ValidationError) as raised:
        field.run_validation(value)
    detail: Any = raised.value.detail
    assert isinstance(detail, list)
    return [error.code for error in detail]


@pytest.mark.parametrize(
    "text", ["Rent", "  Rent ", "=cmd|' /C calc'!A0", "<b>", "'; --", "🏦", "007"]
)
def test_a_text_is_kept_as_sent(text: str) -> None:
    assert StrictCharField().run_validation(text) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5, "invalid"),
        (Decimal("1.5"), "invalid"),
        (True, "invalid"),
        ([], "invalid"),
        ({}, "invalid"),
        (None, "null"),
        ("", "blank"),
        (" \u00a0\u3000", "blank"),
        ("a\x00", "invalid_character"),
        ("a\ud800", "invalid_character"),
        ("a\u202eb", "invalid_character"),
        ("a\nb", "invalid_character"),
    ],
)
def test_a_text_must_be_one(value: Any, code: str) -> None:
    assert codes(StrictCharField(), value) == [code]


def test_a_text_may_be_long_blank_or_have_lines_where_it_says_so() -> None:
    assert codes(StrictCharField(max_length=3), "abcd") == ["max_length"]
    assert StrictCharField(allow_blank=True).run_validation("  ") == "  "
    assert StrictCharField(multiline=True).run_validation("a\n\tb") == "a\n\tb"


@pytest.mark.parametrize("value", BAD_AMOUNTS[1:], ids=label)
def test_amounts_of_the_bad_input_table_are_refused(value: Any) -> None:
    assert codes(AmountInputField(), value) == ["invalid_amount"]


def test_an_amount_is_taken_exactly() -> None:
    assert codes(AmountInputField(), None) == ["null"]
    assert str(AmountInputField().run_validation(Decimal("123456789.01"))) == "123456789.01"
    assert AmountInputField().run_validation("0.10") == Decimal("0.1")


class Money(serializers.Serializer):
    amount = AmountOutputField()
    after = AmountOutputField(source="account.balance", currency_source="account.currency")


@pytest.mark.parametrize(
    ("currency", "amount", "after"), [("USD", "5.00", "-0.50"), ("KWD", "5.000", "-0.500")]
)
def test_an_amount_is_printed_with_its_currency(currency: str, amount: str, after: str) -> None:
    account = SimpleNamespace(balance=Decimal("-0.5000"), currency=currency)
    instance = SimpleNamespace(amount=Decimal("5.0000"), currency=currency, account=account)
    assert Money(instance).data == {"amount": amount, "after": after}


def test_no_amount_is_null() -> None:
    account = SimpleNamespace(balance=None, currency="JPY")
    instance = {"amount": Decimal(7), "currency": "JPY", "account": account}
    assert Money(instance).data == {"amount": "7", "after": None}


@pytest.mark.parametrize("value", ["usd", "XXX", "XAU", "", "US", "USD ", 840, ["USD"], {}, True])
def test_a_currency_must_be_known(value: Any) -> None:
    assert codes(CurrencyField(), value) == ["unknown_currency"]
    assert CurrencyField().run_validation("CLF") == "CLF"


@pytest.mark.parametrize(
    "value",
    ["", "x", "0190163d8694739b88a08da2e5e7e5a0", "{0190163d-8694-739b-88a0-8da2e5e7e5a0}"]
    + ["urn:uuid:0190163d-8694-739b-88a0-8da2e5e7e5a0", "0190163d-8694-739b-88a0-8da2e5e7e5a0\n"]
    + ["0190163d-8694-739b-88a0-8da2e5e7e5ag", "-" * 36, 5, 2**127, [], {}, True],
)
def test_a_uuid_has_one_form(value: Any) -> None:
    assert codes(StrictUUIDField(), value) == ["invalid"]


def test_a_uuid_is_read_in_either_case() -> None:
    expected = UUID("0190163d-8694-739b-88a0-8da2e5e7e5a0")
    assert StrictUUIDField().run_validation(str(expected)) == expected
    assert StrictUUIDField().run_validation(str(expected).upper()) == expected


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00.5+02:00", datetime(2026, 1, 31, 7, 30, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59.999999-23:59", datetime(2024, 3, 1, 23, 58, 59, 999_999, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_utc(text: str, moment: datetime) -> None:
    value = OffsetDateTimeField().run_validation(text)
    assert (value, value.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-01-31T09:30:00", "invalid"),
        ("2026-01-31", "invalid"),
        ("2026-01-31 09:30:00Z", "invalid"),
        ("2026-01-31T09:30:00 02:00", "invalid"),
        ("2026-01-31T09:30Z", "invalid"),
        ("2026-01-31T09:30:00.1234567Z", "invalid"),
        ("2026-01-31T09:30:00+24:00", "invalid"),
        ("2026-W05-6T09:30:00Z", "invalid"),
        ("２026-01-31T09:30:00Z", "invalid"),
        ("10000-01-01T00:00:00Z", "invalid"),
        ("", "invalid"),
        (1767225600, "invalid"),
        ({}, "invalid"),
        ("2026-02-30T09:30:00Z", "out_of_range"),
        ("2026-01-31T24:00:01Z", "out_of_range"),
        ("2026-12-31T23:59:60Z", "out_of_range"),
        ("0000-01-01T00:00:00Z", "out_of_range"),
        ("9999-12-31T23:59:59-01:00", "out_of_range"),
        ("0001-01-01T00:00:00+01:00", "out_of_range"),
    ],
)
def test_a_moment_needs_its_offset_and_must_exist(value: Any, code: str) -> None:
    assert codes(OffsetDateTimeField(), value) == [code]


def test_a_moment_is_printed_in_utc_to_the_microsecond() -> None:
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert OffsetDateTimeField().to_representation(moment) == "2026-01-31T07:30:00.000000Z"


def test_metadata_is_a_small_flat_object_of_texts() -> None:
    data = {"n" * 40: "t" * 500, **{f"name {number}": "" for number in range(19)}}
    assert MetadataField().run_validation(data) == data
    assert codes(MetadataField(), {**data, "more": ""}) == ["max_entries"]
    values: list[Any] = [[], "x", 5, True]
    for value in values:
        assert codes(MetadataField(), value) == ["not_an_object"]


def test_metadata_names_what_is_wrong_with_each_entry() -> None:
    data: dict[str, Any] = {"": "x", "n" * 41: "x", "number": 1, "object": {}, "null": None}
    data |= {"long": "t" * 501, "bad\x00name": "x", "text": "\u202e", "good": "x"}
    with pytest.raises(ValidationError) as raised:
        MetadataField().run_validation(data)
    detail: Any = raised.value.detail
    assert {name: error.code for name, (error,) in detail.items()} == {
        "": "invalid_name",
        "n" * 41: "invalid_name",
        "number": "invalid",
        "object": "invalid",
        "null": "invalid",
        "long": "max_length",
        "bad\x00name": "invalid_character",
        "text": "invalid_character",
    }


class Inner(StrictSerializer):
    flag = serializers.BooleanField()


class Outer(StrictSerializer):
    name = StrictCharField()
    inner = Inner(required=False)
    balance = AmountOutputField()


def test_a_strict_serializer_takes_the_fields_it_declares() -> None:
    serializer = Outer(data={"name": "x", "inner": {"flag": True}})
    serializer.is_valid(raise_exception=True)
    assert serializer.validated_data == {"name": "x", "inner": {"flag": True}}


def test_unknown_and_read_only_fields_are_told_with_all_other_errors() -> None:
    serializer = Outer(data={"balance": 1, "owner": 1, "inner": {"flag": "x", "x": 2}})
    assert not serializer.is_valid()
    unknown = [ErrorDetail("There is no such field.", code="unknown_field")]
    assert serializer.errors == {
        "name": [ErrorDetail("This field is required.", code="required")],
        "inner": {
            "flag": [ErrorDetail("Must be a valid boolean.", code="invalid")],
            "x": unknown,
        },
        "balance": unknown,
        "owner": unknown,
    }


def test_unknown_fields_alone_are_enough_to_refuse() -> None:
    serializer = Outer(data={"name": "x", "id": 1})
    assert not serializer.is_valid()
    assert [error.code for error in serializer.errors["id"]] == ["unknown_field"]


@pytest.mark.parametrize("data", [[], [{}], "x", 5, True, Decimal("1.5")])
def test_what_is_no_object_is_refused(data: Any) -> None:
    serializer = Outer(data=data)
    assert not serializer.is_valid()
    (error,) = serializer.errors["non_field_errors"]
    assert error.code == "not_an_object"


def test_an_unescaped_plus_of_a_url_is_named() -> None:
    with pytest.raises(BadMoment, match='In a URL the "\\+" of an offset is written "%2B"'):
        parse_moment("2026-11-29T21:00:00 01:00")
    with pytest.raises(BadMoment) as other:
        parse_moment("2026-11-29 21:00:00Z")
    assert "%2B" not in str(other.value)
