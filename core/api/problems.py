"""Every error as problem details (RFC 9457), whatever its source and the Accept header.

`problem_of` maps an exception to a problem; `exception_handler` is the hook for Django REST
framework, `problem_response` serves code outside of it. Statuses and titles come from
`core.errors.ERROR_KINDS` alone.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any
from uuid import UUID

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.db import Error as DatabaseFailure
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.settings import api_settings

from core.api.idempotency import REPLAYED_HEADER
from core.api.request_id import current_request_id, current_trace_id
from core.database_errors import meaning_of, note, wait_seconds
from core.errors import ERROR_KINDS, MAX_ERRORS, BankError, FieldError, MissingScope, json_pointer
from core.json_bytes import json_bytes

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:bank:problem:"
RETRY_AFTER_SECONDS = 1

# The code for an error that has a status only, such as those of DRF and of Django's own pages.
CODE_BY_STATUS: dict[int, str] = {
    400: "validation_error",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "throttled",
    503: "busy",
}

_UNEXPECTED = "Something went wrong here. It was logged."
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# A body that ends up in a page by mistake must not become markup.
_ESCAPES = {b"<": rb"\u003c", b">": rb"\u003e", b"&": rb"\u0026"}


@dataclass(frozen=True, slots=True)
class Problem:
    """The content of one error: a code of `ERROR_KINDS` and the parts that vary."""

    code: str
    detail: str = ""
    errors: Sequence[FieldError] = ()
    transaction_id: UUID | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    index: int | None = None
    is_final: bool = False


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's hook: answers every exception, so that none reaches Django's HTML pages.

    An unexpected exception is logged with its traceback and answered as `internal_error`.
    """
    return answer_of(exc, context.get("request"))


def answer_of(exc: Exception, request: HttpRequest | Request | None) -> HttpResponse:
    """The response for an exception, logged if unexpected. Drops a broken database connection."""
    if isinstance(exc, DatabaseFailure):
        note(exc)
    problem = problem_of(exc)
    if problem is _OUTCOME_UNKNOWN:
        logger.error("Lost the database", exc_info=exc, extra={"request_id": _id_of(request)})
        if request is not None and request.method in _SAFE_METHODS:
            problem = _BUSY  # A read has no outcome to be unknown.
    if problem.code == "internal_error":
        logger.error("Unhandled exception", exc_info=exc, extra={"request_id": _id_of(request)})
        got_request_exception.send(sender=exception_handler, request=request)
    if isinstance(exc, drf.ValidationError) and request is not None and request.method == "GET":
        # Without a body there is nothing to point into: the errors name parameters.
        named = [replace(error, pointer=error.pointer[1:]) for error in problem.errors]
        problem = replace(problem, errors=named)
    return _response(problem, request)


def problem_response(
    code: str,
    detail: str,
    request: HttpRequest | Request | None,
    *,
    errors: Sequence[FieldError] = (),
    transaction_id: UUID | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The response for a code of `ERROR_KINDS`; the detail defaults to the title.

    503 gets a Retry-After header.
    """
    return _response(Problem(code, detail, errors, transaction_id, headers or {}), request)


def _response(problem: Problem, request: HttpRequest | Request | None) -> HttpResponse:
    kind = ERROR_KINDS[problem.code]
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail or f"{kind.title}.",
        "code": problem.code,
        "retryable": kind.retryable and not problem.is_final,
        "request_id": _id_of(request),
    }
    if trace_id := _sent_trace_of(request):
        body["trace_id"] = trace_id
    if problem.index is not None:
        body["index"] = problem.index
    if problem.errors:
        body["errors"] = [
            {"pointer": error.pointer, "code": error.code, "detail": error.detail}
            for error in problem.errors[:MAX_ERRORS]
        ]
    if problem.transaction_id is not None:
        body["transaction_id"] = str(problem.transaction_id)
    content = json_bytes(body)
    for character, escape in _ESCAPES.items():
        content = content.replace(character, escape)
    response = HttpResponse(content, status=kind.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    if kind.status in (429, 503) and kind.retryable:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return response


def _sent_trace_of(request: HttpRequest | Request | None) -> str:
    """The trace id that the caller has sent, well-formed; empty if it is one of ours."""
    trace_id = current_trace_id.get()
    sent = "" if request is None else request.META.get("HTTP_TRACEPARENT", "")
    return trace_id if trace_id and trace_id in sent else ""


def _id_of(request: HttpRequest | Request | None) -> str:
    return getattr(request, "request_id", "") or current_request_id.get()


@singledispatch
def problem_of(_exc: Exception) -> Problem:
    """Maps an exception to a problem; `internal_error` for an unexpected one."""
    return Problem("internal_error", _UNEXPECTED)


@problem_of.register
def _(exc: BankError) -> Problem:
    headers: dict[str, str] = {}
    if exc.retry_after_seconds is not None:
        headers["Retry-After"] = str(exc.retry_after_seconds)
    if exc.replayed:
        headers[REPLAYED_HEADER] = "true"
    return Problem(
        exc.code,
        exc.detail,
        exc.errors,
        exc.transaction_id,
        headers,
        index=exc.index,
        is_final=exc.is_final,
    )


@problem_of.register
def _(exc: MissingScope) -> Problem:
    challenge = f'Bearer realm="bank", error="insufficient_scope", scope="{exc.scope}"'
    return Problem(exc.code, exc.detail, headers={"WWW-Authenticate": challenge})


@problem_of.register
def _(exc: drf.APIException) -> Problem:
    code = CODE_BY_STATUS.get(exc.status_code, "internal_error")
    return Problem(code, str(exc.detail) if code != "internal_error" else "")


@problem_of.register
def _(exc: drf.ValidationError) -> Problem:
    errors = tuple(_field_errors(exc.detail, ""))
    return Problem("validation_error", "The request is not valid; errors says why.", errors)


@problem_of.register(drf.NotAuthenticated)
@problem_of.register(drf.AuthenticationFailed)
def _(exc: drf.APIException) -> Problem:
    # RFC 9110, 11.6.1: a 401 always has a challenge. Without one DRF would make it a 403.
    challenge = getattr(exc, "auth_header", None) or "Bearer"
    return Problem("not_authenticated", str(exc.detail), headers={"WWW-Authenticate": challenge})


@problem_of.register
def _(exc: drf.Throttled) -> Problem:
    wait: float | None = getattr(exc, "wait", None)
    seconds = RETRY_AFTER_SECONDS if wait is None else max(1, math.ceil(wait))
    detail = f"Too many requests. Try again in {seconds} seconds."
    return Problem("throttled", detail, headers={"Retry-After": str(seconds)})


@problem_of.register(Http404)
@problem_of.register(drf.NotFound)
def _(_exc: Exception) -> Problem:
    return Problem("not_found")  # missing and hidden rows get the same response


@problem_of.register
def _(_exc: PermissionDenied) -> Problem:
    return Problem("permission_denied")


@problem_of.register
def _(_exc: RequestDataTooBig) -> Problem:
    return Problem("payload_too_large")


@problem_of.register(SuspiciousOperation)
@problem_of.register(BadRequest)
@problem_of.register(MultiPartParserError)
@problem_of.register(UnreadablePostError)
def _(_exc: Exception) -> Problem:
    return Problem("validation_error", "The request cannot be read.")


@problem_of.register
def _(exc: DatabaseFailure) -> Problem:
    """All of Django's database errors: see `core.database_errors`."""
    meaning = meaning_of(exc)
    if meaning.code == "outcome_unknown":
        return _OUTCOME_UNKNOWN
    if meaning.code != "busy":
        return Problem(meaning.code, _UNEXPECTED)
    headers = {"Retry-After": str(wait_seconds())} if meaning.readiness else {}
    return Problem("busy", meaning.detail, headers=headers)


_BUSY = Problem("busy", "The database is busy. Nothing was done.")
_OUTCOME_UNKNOWN = Problem(
    "outcome_unknown",
    "The connection to the database was lost. Whether anything was done is not known. With an"
    " Idempotency-Key, send the same again with the same key; without one, look in the history"
    " first: sent again, it would be done twice.",
)


def _field_errors(detail: Any, pointer: str) -> Iterator[FieldError]:
    """DRF's tree of errors as a list, each with the JSON pointer (RFC 6901) to its member."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _field_errors(inner, pointer if is_whole else pointer + json_pointer(name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            is_item = isinstance(inner, Mapping | list)
            yield from _field_errors(inner, f"{pointer}/{index}" if is_item else pointer)
    else:
        yield FieldError(pointer, detail.code, str(detail))
