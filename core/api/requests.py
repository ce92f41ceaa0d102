"""What a view needs to know of a request: its input, checked, and who sent it."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from core.api.pagination import MAX_PAGE_SIZE
from core.api.serializers import StrictSerializer
from core.commands import Origin
from core.errors import FieldError, InvalidInput


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE})
class PageSizeField(serializers.CharField):
    """Read by `core.api.pagination`; here it only says what it is."""


class PageQuery(StrictSerializer):
    """The parameters that every list takes; `core.api.pagination` reads them."""

    page_size = PageSizeField(required=False, help_text="Items on a page. Default: 50.")
    cursor = serializers.CharField(
        required=False, help_text="Where the page begins: taken from `next` or `previous`."
    )


def parse_body(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The body, checked for its shape. Raises ValidationError, which is answered with 400."""
    data: Any = request.data
    if data is None:  # Said in other words for a whole body than for a field.
        serializer(data=data).is_valid(raise_exception=True)
    values: dict[str, Any] = _checker(serializer).run_validation(data)
    return values


def without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """What the body says: a null is the same as no member at all."""
    return {name: value for name, value in body.items() if value is not None}


@cache
def _checker(serializer: type[StrictSerializer]) -> StrictSerializer:
    """One for all requests: it copies its fields when it is made, and checks without a memory."""
    return serializer()


def parse_query(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The query's parameters, checked like a body: an unknown one is an error, a repeated one too.

    Raises InvalidInput, each error's pointer naming a parameter.
    """
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise InvalidInput(
            errors=[
                FieldError(name, "repeated", "This parameter is given twice.") for name in repeated
            ]
        )
    parsed = serializer(data=request.query_params.dict())
    if not parsed.is_valid():
        raise InvalidInput(
            errors=[
                FieldError(name, getattr(detail, "code", "invalid"), str(detail))
                for name, details in parsed.errors.items()
                for detail in details
            ]
        )
    values: dict[str, Any] = parsed.validated_data
    return values


def refuse_query(request: Request) -> None:
    """For what changes something and has no parameters: who sends `dry_run` wants no change.

    Raises InvalidInput for any.
    """
    if request.query_params:
        parse_query(StrictSerializer, request)


def origin_of(request: Request | HttpRequest) -> Origin:
    """Who sends this request, and from where, for commands and their audit trail.

    `request.auth` is the token of an API client, and None, or not there in the admin, for someone
    who is logged in.
    """
    client = getattr(getattr(request, "auth", None), "application", None)
    return Origin(
        user_id=request.user.pk,
        caller=f"client:{client.client_id}" if client else f"user:{request.user.pk}",
        request_id=getattr(request, "request_id", ""),
        address=request.META.get("REMOTE_ADDR") or None,
        as_customer=not request.user.is_staff,
    )
