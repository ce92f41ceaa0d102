"""Errors in the OpenAPI schema: every operation lists the problems it can return.

drf-spectacular knows successes only. Most errors of an operation follow from its kind (does it need
credentials, a body, an id in its path?). It names the others itself, by their codes:
`@extend_schema(extensions={"x-error-codes": ["account_frozen"]})`.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from core.api.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, TYPE_PREFIX
from core.errors import ERROR_KINDS, REFUSALS

EXTENSION = "x-error-codes"
# Tags of routes that act on no account, so that nobody can act on their own.
_WITHOUT_ACCOUNTS = frozenset({"Jobs", "Webhooks"})
FORM = "application/x-www-form-urlencoded"
_METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}
# An operation with one of these moves money, and keeps a refusal as a FAILED transaction.
_MONEY_CODES = {"insufficient_funds", "limit_exceeded", "balance_limit"}

_PROBLEM_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "One bad field or parameter.",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": (
                "JSON pointer (RFC 6901) into the body, empty for all of it; or the name of a query"
                " parameter."
            ),
            "example": "/amount",
        },
        "code": {
            "type": "string",
            "description": "The error, for programs.",
            "example": "invalid_amount",
        },
        "detail": {
            "type": "string",
            "description": "The error, for people.",
            "example": "The amount must be above zero.",
        },
    },
}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457): the body of every error.",
    "required": ["type", "title", "status", "detail", "code", "retryable", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": f"The code as a URI: `{TYPE_PREFIX}` and the code.",
            "example": f"{TYPE_PREFIX}insufficient_funds",
        },
        "title": {
            "type": "string",
            "description": "Meaning of the code; the same for every such error.",
            "example": ERROR_KINDS["insufficient_funds"].title,
        },
        "status": {
            "type": "integer",
            "description": "The HTTP status (RFC 9110).",
            "example": ERROR_KINDS["insufficient_funds"].status,
        },
        "detail": {
            "type": "string",
            "description": "The cause of this error, for people. Its wording may change.",
            "example": "Insufficient funds.",
        },
        "code": {
            "type": "string",
            "enum": list(ERROR_KINDS),
            "description": "The error, for programs. Codes are stable.",
            "example": "insufficient_funds",
        },
        "retryable": {
            "type": "boolean",
            "description": (
                "With a `transaction_id`: whether that transaction can be retried later."
                " Else: whether sending the same request again can succeed."
            ),
            "example": True,
        },
        "errors": {
            "type": "array",
            "description": "The bad fields and parameters, at most 100, where there are any.",
            "items": {"$ref": "#/components/schemas/ProblemError"},
        },
        "index": {
            "type": "integer",
            "minimum": 0,
            "description": "The list item with the error, counted from 0, if there is one.",
            "example": 3,
        },
        "transaction_id": {
            "type": "string",
            "format": "uuid",
            "description": "The transaction that was kept as FAILED, where there is one.",
            "example": "0190163d-8694-739b-88a0-8da2e5e7e5a0",
        },
        "request_id": {
            "type": "string",
            "description": "Names the request in the bank's logs; also the header X-Request-ID.",
            "example": "5f0c8f9d5a5b4b0e9a1d2c3b4a596877",
        },
        "trace_id": {
            "type": "string",
            "description": "The trace of the header `traceparent` (W3C), where one was sent.",
            "example": "4bf92f3577b34da6a3ce929d0e0e4736",
        },
    },
}

CHALLENGE: dict[str, Any] = {
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 9110, section 11.6.1).",
        "schema": {"type": "string"},
    }
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: CHALLENGE,
    429: {
        "Retry-After": {
            "description": "Seconds to wait before trying again.",
            "schema": {"type": "integer", "minimum": RETRY_AFTER_SECONDS},
        }
    },
}
_HEADERS[503] = _HEADERS[429]


def add_problem_responses(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular. Raises ValueError for a code that does not exist.

    Adds the components Problem and ProblemError, and to every operation a response for each status
    with one example for each code. Existing responses keep their content. Successes without a
    description get the name of their status.
    """
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": _PROBLEM, "ProblemError": _PROBLEM_ERROR}
    for path, method, operation in _operations(result):
        codes = {*_implied_codes(path, method, operation), *operation.pop(EXTENSION, ())}
        describe_problems(method, operation, codes)
    return result


def describe_problems(method: str, operation: dict[str, Any], codes: set[str]) -> None:
    """Adds the responses of these codes to the operation. Raises ValueError for an unknown code."""
    responses = operation["responses"]
    kept = REFUSALS.keys() if codes & _MONEY_CODES else set[str]()
    error = _example_error(method, operation)
    for code in sorted(codes, key=list(ERROR_KINDS).index):
        _add_response(responses, code, _example(code, error, is_kept=code in kept))
    for status, response in responses.items():
        response["description"] = response.get("description") or HTTPStatus(int(status)).phrase
    operation["responses"] = dict(sorted(responses.items()))


def close_request_bodies(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Postprocessing hook: bodies allow no members beyond the described ones.

    The body of a PATCH has at least one member. See `core.api.serializers`.
    """
    schemas = result.get("components", {}).get("schemas", {})
    for _, method, operation in _operations(result):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is None:
            continue
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        schema = schemas.get(name, media["schema"])
        schema["additionalProperties"] = False
        if method == "patch":
            schema["minProperties"] = 1
    return result


def _operations(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in result.get("paths", {}).items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _implied_codes(path: str, method: str, operation: dict[str, Any]) -> Iterable[str]:
    """Codes that follow from the kind of operation alone."""
    yield from ("not_acceptable", "throttled", "internal_error", "busy")
    if method != "get":
        yield "outcome_unknown"
    security = operation.get("security", [])
    if any(security):
        yield "not_authenticated"
    if security and all(security):
        yield "permission_denied"
        if method != "get" and not _WITHOUT_ACCOUNTS & set(operation.get("tags", ())):
            yield "self_dealing"
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    if "{" in path:
        yield "not_found"
    if "requestBody" in operation:
        yield from ("validation_error", "payload_too_large", "unsupported_media_type")
    if "query" in places:
        yield "validation_error"
    # The server refuses these before the bank reads them.
    if places & {"path", "query"}:
        yield "uri_too_long"
    if "header" in places:
        yield "headers_too_large"


def leave_parameters_empty(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: optional parameters have no examples.

    Swagger UI fills in examples as if the user had typed them: the first try would ask for accounts
    opened both after and before one moment, and find nothing.
    """
    for item in result["paths"].values():
        for operation in (item[method] for method in item.keys() & _METHODS):
            for parameter in operation.get("parameters", []):
                if not parameter.get("required") and parameter["in"] == "query":
                    parameter["schema"].pop("example", None)
    return result


def _add_response(responses: dict[str, Any], code: str, example: dict[str, Any]) -> None:
    kind = ERROR_KINDS[code]
    response = responses.setdefault(str(kind.status), {"description": ""})
    content = response.setdefault("content", {}).setdefault(
        CONTENT_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    )
    content["examples"][code] = {"summary": kind.title, "value": example}
    described = response["description"]
    response["description"] = f"{described} `{code}`: {kind.title}.".strip()
    if kind.status in _HEADERS:
        response["headers"] = {**_HEADERS[kind.status], **response.get("headers", {})}


def _example(code: str, error: dict[str, str], *, is_kept: bool) -> dict[str, Any]:
    kind = ERROR_KINDS[code]
    example: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": f"{kind.title}.",
        "code": code,
        "retryable": kind.retryable,
        "request_id": _PROBLEM["properties"]["request_id"]["example"],
    }
    if code == "validation_error":
        example["errors"] = [error]
    if is_kept:
        example["transaction_id"] = _PROBLEM["properties"]["transaction_id"]["example"]
    return example


def _example_error(method: str, operation: dict[str, Any]) -> dict[str, str]:
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    if method == "get" and "query" not in places:
        detail = "If-None-Match takes * or tags in quotes."
        return {"pointer": "If-None-Match", "code": "invalid_tag", "detail": detail}
    if method == "get":
        detail = "A whole number from 1 to 200 is required."
        return {"pointer": "page_size", "code": "invalid_page_size", "detail": detail}
    if FORM in operation.get("requestBody", {}).get("content", {}):
        detail = "A body must be sent with its Content-Length, not chunked."
        return {"pointer": "", "code": "length_required", "detail": detail}
    return {name: member["example"] for name, member in _PROBLEM_ERROR["properties"].items()}
