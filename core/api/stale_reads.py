"""Lists from the replica, for callers who ask for it: `Prefer: stale-ok`.

RFC 7240 leaves the names of preferences open. The answer says what was done: `Preference-Applied`
and `Replica-Lag` if the replica has answered, and neither if the primary has.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from core import replica
from core.api.permissions import only_reads

STALE_OK = "stale-ok"
LAG_HEADER = "Replica-Lag"
Row = TypeVar("Row")
_QUOTED = re.compile(r'"[^"]+"')

# The members by which a page is known (`core.api.pagination`).
_PAGE = {"next", "previous", "results"}

_PREFER: dict[str, Any] = {
    "in": "header",
    "name": "Prefer",
    "schema": {"type": "string"},
    "description": (
        f"`{STALE_OK}` (RFC 7240) lets a replica of the database answer, where the bank has one."
        " A caller who may write still gets everything that was committed before the request. A"
        f" caller who may only read may get a slightly older list: `{LAG_HEADER}` says how old."
    ),
}
_HEADERS: dict[str, Any] = {
    "Preference-Applied": {
        "description": f"`{STALE_OK}` if a replica has answered; absent if the primary has.",
        "schema": {"type": "string"},
    },
    LAG_HEADER: {
        "description": (
            "Only if a replica has answered: everything that was committed this many seconds"
            " before the answer, or earlier, is in it."
        ),
        "schema": {"type": "string", "pattern": r"^[0-9]+\.[0-9]{3}$", "example": "0.004"},
    },
}


def prefers(request: Request, preference: str) -> bool:
    """Whether the header `Prefer` (RFC 7240) has this preference, which has no value.

    What follows a semicolon is a parameter of another preference, and an empty value is none.
    """
    header = _QUOTED.sub("quoted", request.META.get("HTTP_PREFER", ""))
    named = (one.partition(";")[0].partition("=") for one in header.split(","))
    return any(
        name.strip().lower() == preference and value.strip() in ("", '""')
        for name, _, value in named
    )


def read_rows(
    request: Request, fetch: Callable[[], Sequence[Row]]
) -> tuple[list[Row], float | None]:
    """The rows, and the age in seconds of what the replica has answered; None by the primary."""
    if not settings.HAS_REPLICA or not prefers(request, STALE_OK):
        return list(fetch()), None
    read: Any = replica.read_stale if only_reads(request.user) else replica.read_fresh
    rows, age = read(fetch)
    return list(rows), age


def tell_age(response: HttpResponse, age: float | None) -> None:
    """Adds the headers of a list that may come from the replica."""
    if settings.HAS_REPLICA:
        patch_vary_headers(response, ["Prefer"])
    if age is not None:
        response["Preference-Applied"] = STALE_OK
        response[LAG_HEADER] = f"{age:.3f}"


def describe_stale_reads(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: the preference and the headers of each list."""
    schemas = result.get("components", {}).get("schemas", {})
    for path in result.get("paths", {}).values():
        answer = path.get("get", {}).get("responses", {}).get("200", {})
        shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
        page = schemas.get(shape.get("$ref", "").rpartition("/")[2], {})
        if page.get("properties", {}).keys() >= _PAGE:
            path["get"].setdefault("parameters", []).append(_PREFER)
            answer["headers"] = {**answer.get("headers", {}), **_HEADERS}
    return result
