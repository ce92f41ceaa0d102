"""Validated input of a request, and its sender, for views."""

import re
from functools import cache
from typing import Any, cast

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from core.api.pagination import MAX_PAGE_SIZE
from core.api.serializers import StrictSerializer
from core.commands import Origin
from core.errors import FieldError, InvalidInput
from core.metrics.instruments import CONSOLE, SYNC

_CURSOR, _SIZE = "cursor=[A-Za-z0-9_-]+", "page_size=[0-9]+"
# In either order, each at most once.
_PAGE_ALONE = re.compile(f"{_CURSOR}(?:&{_SIZE})?|{_SIZE}(?:&{_CURSOR})?")


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE})
class PageSizeField(serializers.CharField):
    """For the schema only: `core.api.pagination` reads the parameter."""


class PageQuery(StrictSerializer):
    """The parameters of every list; `core.api.pagination` reads them."""

    page_size = PageSizeField(required=False, help_text="Items on a page. Default: 50.")
    cursor = serializers.CharField(
        required=False, help_text="Where the page begins: taken from `next` or `previous`."
    )


def parse_body(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The validated body. Raises ValidationError, which is answered with 400."""
    data: Any = request.data
    if data is None:  # A null body has an error text of its own.
        serializer(data=data).is_valid(raise_exception=True)
    values: dict[str, Any] = _checker(serializer).run_validation(data)
    return values


def without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """The body without its nulls: a null means the same as a missing member."""
    return {name: value for name, value in body.items() if value is not None}


@cache
def _checker(serializer: type[StrictSerializer]) -> StrictSerializer:
    """One shared instance: validation is stateless, and each new instance copies its fields."""
    return serializer()


def parse_query(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The query's parameters, checked like a body. Unknown and repeated ones are errors.

    Raises InvalidInput; each error's pointer names a parameter. Those of `core.api.pagination`
    may be left out, as they have a reader of their own.
    """
    text = request.META.get("QUERY_STRING", "")
    asks_for_page = issubclass(serializer, PageQuery) and _PAGE_ALONE.fullmatch(text)
    if (not text or asks_for_page) and _needs_none(serializer):
        return {}
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise InvalidInput(
            errors=[
                FieldError(name, "repeated", "This parameter is given twice.") for name in repeated
            ]
        )
    try:
        values: dict[str, Any] = _checker(serializer).run_validation(request.query_params.dict())
    except ValidationError as error:
        by_name = cast("dict[str, list[ErrorDetail]]", error.detail)
        raise InvalidInput(
            errors=[
                FieldError(name, getattr(detail, "code", "invalid"), str(detail))
                for name, details in by_name.items()
                for detail in details
            ]
        ) from error
    return values


@cache
def _needs_none(serializer: type[StrictSerializer]) -> bool:
    """Whether no parameters are right, and give no values: then there is nothing to check."""
    has_own_rule = serializer.validate is not serializers.Serializer.validate
    return not has_own_rule and all(
        not field.required and field.default is serializers.empty
        for field in _checker(serializer).fields.values()
    )


def refuse_query(request: Request) -> None:
    """Refuses all parameters of a write that has none: a caller of `dry_run` wants no change.

    Raises InvalidInput for any parameter.
    """
    if request.query_params:
        parse_query(StrictSerializer, request)


def origin_of(request: Request | HttpRequest) -> Origin:
    """The sender and address of this request, for commands and their audit trail.

    `request.auth` is the token of an API client. For a logged-in user it is None, or missing in the
    admin.
    """
    client = getattr(getattr(request, "auth", None), "application", None)
    return Origin(
        user_id=request.user.pk,
        caller=f"client:{client.client_id}" if client else f"user:{request.user.pk}",
        request_id=getattr(request, "request_id", ""),
        address=request.META.get("REMOTE_ADDR") or None,
        as_customer=not request.user.is_staff,
        path=SYNC if isinstance(request, Request) else CONSOLE,
    )
