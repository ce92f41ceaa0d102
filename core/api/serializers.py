"""The base of every serializer that reads input."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings


class StrictSerializer(serializers.Serializer[Any]):
    """Accepts an object with exactly the declared fields.

    An unknown or read-only name is the error `unknown_field`, reported with all other errors. A
    value that is not an object is the error `not_an_object`. A null, where a field allows it,
    stands for the field's default, or for None if it has no default.

    An object without errors is read in a quarter of the framework's time, field by field. The
    framework reads all others once more from the start, and finds all of their errors.
    """

    def run_validation(self, data: Any = serializers.empty) -> Any:
        values = self._read_plain(data) if data.__class__ is dict else None
        return super().run_validation(data) if values is None else values

    def _read_plain(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values of an object without nulls, defaults and errors; None for any other object."""
        if self._plain is None or None in data.values():
            return None
        values: dict[str, Any] = {}
        try:
            for name, (read, may_be_missing) in self._plain.items():
                if name in data:
                    values[name] = read(data[name])
                elif not may_be_missing:
                    return None
        except (ValidationError, DjangoValidationError, serializers.SkipField):
            return None
        return values if len(values) == len(data) else None

    @cached_property
    def _plain(self) -> dict[str, tuple[Callable[[Any], Any], bool]] | None:
        """By name, how to read each field, and whether it may be missing.

        None if the serializer has rules or sources of its own, which the framework applies.
        """
        kind = type(self)
        is_plain = (
            kind.to_internal_value is StrictSerializer.to_internal_value
            and kind.validate is serializers.Serializer.validate
            and not (self.partial or self.validators)
        )
        fields = {name: field for name, field in self.fields.items() if not field.read_only}
        if not is_plain or any(
            field.source != name or hasattr(self, f"validate_{name}")
            for name, field in fields.items()
        ):
            return None
        return {
            name: (_reader(field), not field.required and field.default is serializers.empty)
            for name, field in fields.items()
        }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            error = ErrorDetail("An object is required.", code="not_an_object")
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [error]})
        unknown = self._unknown(data)
        try:
            value = super().to_internal_value(self._with_defaults(data))
        except ValidationError as error:
            by_field = cast("dict[str, Any]", error.detail)
            raise ValidationError({**by_field, **unknown}) from error
        if unknown:
            raise ValidationError(unknown)
        return value

    def _with_defaults(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if None not in data.values():
            return data
        unset = {
            name
            for name, field in self.fields.items()
            if field.allow_null and field.default is not serializers.empty
        }
        return {name: data[name] for name in data if data[name] is not None or name not in unset}

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        known = self.fields
        error = ErrorDetail("There is no such field.", code="unknown_field")
        return {name: [error] for name in data if name not in known or known[name].read_only}


def _reader(field: Any) -> Callable[[Any], Any]:
    """Reads a value that is there and is no null, as the field's `run_validation` does."""
    if type(field).run_validation is not serializers.Field.run_validation:
        run_validation: Callable[[Any], Any] = field.run_validation
        return run_validation
    to_internal_value: Callable[[Any], Any] = field.to_internal_value
    if not field.validators:
        return to_internal_value

    def read(data: Any) -> Any:
        value = to_internal_value(data)
        field.run_validators(value)
        return value

    return read
