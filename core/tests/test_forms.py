"""Fields of the admin's forms are as strict as the API, and explain their errors."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import override_settings

from core.console.forms import (
    AmountFormField,
    LineField,
    MomentField,
    ReasonField,
    ReasonForm,
    add_errors,
)
from core.errors import BankError, FieldError, InvalidInput

NOT_AN_AMOUNT = 'An amount is written as digits with a decimal point, like "500.00".'


def refusal(field: forms.Field, text: str) -> str:
    with pytest.raises(ValidationError) as refused:
        field.clean(text)
    return str(refused.value.messages[0])


def test_an_amount_is_exact() -> None:
    assert AmountFormField().clean("123456789.0100") == Decimal("123456789.0100")
    assert AmountFormField(required=False).clean("") is None


@pytest.mark.parametrize(
    "text",
    [
        "50,00",
        "1,00.00",
        "1 000.00",
        "$1",
        "+1",
        "-1",
        "1e2",
        "1_000",
        ".5",
        "1.",
        "00001",
        "٣",
        "NaN",
    ],
)
def test_what_the_api_refuses_is_refused_in_its_words(text: str) -> None:
    assert refusal(AmountFormField(), text) == NOT_AN_AMOUNT


def test_a_very_long_amount_is_refused() -> None:
    assert refusal(AmountFormField(), "9" * 1000) == "The amount is too long."


@pytest.mark.parametrize("field", [LineField(), ReasonField()])
def test_texts_that_hide_something_are_refused(field: forms.Field) -> None:
    assert refusal(field, "a\u202eb") == "The character U+202E at position 1 is not allowed."


def test_a_reason_has_lines_and_a_name_has_one() -> None:
    assert ReasonField().clean("one\r\ntwo") == "one\ntwo"
    assert refusal(LineField(), "one\ntwo").startswith("The character U+000A")


def test_a_line_end_counts_as_the_one_character_that_is_kept() -> None:
    field = ReasonField(max_length=3)
    assert field.clean("a\r\nb") == "a\nb"
    assert "at most 3 characters" in refusal(field, "a\r\nbc")


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_a_moment_is_of_the_current_zone() -> None:
    assert MomentField().clean("2026-03-01T09:30") == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
def test_a_moment_out_of_range_is_refused(text: str, zone: str) -> None:
    with override_settings(TIME_ZONE=zone):
        assert refusal(MomentField(), text) == "That moment is out of range."


def test_errors_go_beside_their_fields_or_nowhere() -> None:
    form = ReasonForm({"reason": "x"})
    assert form.is_valid()
    elsewhere = InvalidInput(errors=[FieldError("/amount", "invalid_amount", "No.")])
    assert not add_errors(form, elsewhere)
    assert not add_errors(form, InvalidInput("Just so."))
    assert form.errors == {}
    error: BankError = InvalidInput(errors=[FieldError("/reason", "blank", "Say more.")])
    assert add_errors(form, error)
    assert form.errors == {"reason": ["Say more."]}
