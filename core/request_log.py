"""One log line for each request: user, route, status and duration, but never its content.

The metrics count the same requests, by the same routes.
"""

import logging
import sys
import time
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.api.request_id import current_trace_id
from core.content_security import GetResponse
from core.logs import write_line
from core.metrics import http

logger = structlog.get_logger("bank.request")
_lines = logging.getLogger("bank.request")


class RequestLogMiddleware:
    """Logs `request` with method, route, status, milliseconds, user, client and address.

    The route is the pattern, not the path: it has no account ids and no query. A status of 500 or
    more is a warning or an error.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        http.begin()
        try:
            response = self.get_response(request)
        finally:
            http.end()
        seconds, status = time.perf_counter() - started, response.status_code
        method = request.method if request.method in _METHODS else "other"
        route = _route(request)
        http.observe(route, method, status, seconds, current_trace_id.get())
        write_line(
            _lines,
            _level_of(status),
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            address=request.META.get("REMOTE_ADDR", ""),
            **_who(request),
        )
        return response


def _level_of(status: int) -> int:
    """503 means temporarily unavailable; any other 5xx is a fault of the bank."""
    if status < 500:
        return logging.INFO
    return logging.WARNING if status == 503 else logging.ERROR


def log_crash(sender: object, request: HttpRequest | None = None, **_: Any) -> None:
    """got_request_exception: logs a crash outside of the API's views, with its traceback.

    The API's own handler sends the signal too, with itself as sender, after logging.
    """
    if sender is None:
        method = getattr(request, "method", None)
        named = method if method in _METHODS else "other"
        crash = sys.exc_info()[1]
        logger.error("request.crashed", method=named, exc_info=crash)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return f"/{match.route}" if match else "unknown"


def _who(request: HttpRequest) -> dict[str, Any]:
    """The user and client if authentication has already run. Does not trigger it."""
    if not hasattr(request, "auth"):
        user = getattr(request, "_cached_user", None)  # Set once any code has read request.user.
        return {"user": getattr(user, "pk", None)}
    client = getattr(request.auth, "application", None)
    return {"user": request.user.pk, "client": getattr(client, "client_id", None)}
