"""Short words for describing routes in the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import serializers

from core.api import conditions
from core.api.idempotency import HEADER, MAX_KEY_LENGTH, REPLAYED_HEADER

IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description=(
        "Makes it safe to repeat the request: the same key with the same content takes effect"
        " once, forever. The response to a repeat is the first one's result in its present state,"
        f" with the header `{REPLAYED_HEADER}: true`. Take a new random key, such as a UUID, for"
        " each payment; a corrected request needs a new one."
    ),
)


_ONE_TAG = '(W/)?"[!#-~]*"'
_TAGS = {"type": "string", "pattern": rf"^(\*|{_ONE_TAG}( *, *{_ONE_TAG})*)$"}

IF_MATCH = OpenApiParameter(
    conditions.IF_MATCH,
    _TAGS,
    OpenApiParameter.HEADER,
    description=(
        "Goes on only if the present `ETag` is one of these: else 412, and nothing was done. A list"
        " of tags, each in its quotes, or `*` for any. A weak tag (`W/`) never matches."
    ),
)
IF_NONE_MATCH = OpenApiParameter(
    conditions.IF_NONE_MATCH,
    _TAGS,
    OpenApiParameter.HEADER,
    description=(
        "Goes on only if the present `ETag` is none of these: else 304 without a body for a read,"
        " and 412 for a change. A list of tags, each in its quotes, or `*` for any."
    ),
)
ETAG = OpenApiParameter(
    "ETag",
    {"type": "string", "example": '"5d41402abc4b2a76b9719d911017c592"'},
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="A digest of the body: it changes with everything that the body says.",
)
CONDITIONS = [IF_MATCH, IF_NONE_MATCH, ETAG]


def page_of(
    serializer: type[serializers.Serializer[Any]], name: str
) -> serializers.Serializer[Any]:
    """The schema of a page of such rows, see `core.api.pagination`."""
    page = inline_serializer(
        name,
        {
            "next": serializers.URLField(
                allow_null=True, help_text="The page after this one; null on the last."
            ),
            "previous": serializers.URLField(
                allow_null=True, help_text="The page before this one; null on the first."
            ),
            "results": serializer(many=True, help_text="The rows of this page."),
        },
    )
    # One page, and not a list of pages, though the route lists.
    return extend_schema_serializer(many=False)(type(page))()


def page_example(result: dict[str, Any], path: str) -> OpenApiExample:
    """A page of one result, with a page after it."""
    page = {
        "next": f"https://bank.example/api/v1/{path}?cursor=KzAxOWFiMGM0OlZ4",
        "previous": None,
        "results": [result],
    }
    return OpenApiExample("Page", value=page, response_only=True)


def request_example(value: Any) -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True)


def response_example(name: str, value: Any, status: int | None = None) -> OpenApiExample:
    """An example of the response with this status; None if the route has one response."""
    statuses = None if status is None else [str(status)]
    return OpenApiExample(name, value=value, response_only=True, status_codes=statuses)


def either(name: str, *shapes: type[serializers.Serializer[Any]]) -> PolymorphicProxySerializer:
    """The schema, with a name of its own, of a response that has one of these shapes."""
    return PolymorphicProxySerializer(
        component_name=name, serializers=[*shapes], resource_type_field_name=None
    )


def errors(*codes: str) -> dict[str, list[str]]:
    """The error codes of a route, in addition to those of every route."""
    return {"x-error-codes": list(codes)}


def read_of(serializer: Any) -> dict[int, Any]:
    """The responses of a read with a tag."""
    return {200: serializer, 304: OpenApiResponse(description="Not changed: no body.")}


# What a bad header and a failed condition are answered with.
CONDITION_ERRORS = errors("validation_error", "precondition_failed")
