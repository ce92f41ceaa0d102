"""The base of every serializer that reads input."""

from collections.abc import Mapping
from typing import Any, cast

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings


class StrictSerializer(serializers.Serializer[Any]):
    """Accepts an object with exactly the declared fields.

    An unknown or read-only name is the error `unknown_field`, reported with all other errors. A
    value that is not an object is the error `not_an_object`. A null, where a field allows it,
    stands for the field's default, or for None if it has no default.
    """

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
