"""Ids in the paths of the API."""

from uuid import UUID

from django.urls import register_converter

from core.identifiers import UUID_PATTERN, parse_uuid

CONVERTER = "id"


class IdConverter:
    """A UUID as in a body or a filter, in either case (RFC 9562); links have it in lower case."""

    regex = UUID_PATTERN

    def to_python(self, value: str) -> UUID:
        return parse_uuid(value)

    def to_url(self, value: UUID | str) -> str:
        return str(value)


register_converter(IdConverter, CONVERTER)
