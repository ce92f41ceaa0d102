"""One line for each request: who, what, how it ended, how long it took. Never what was in it."""

import logging
import sys
import time
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.content_security import GetResponse

logger = structlog.get_logger("bank.request")


class RequestLogMiddleware:
    """Logs `request` with method, route, status, milliseconds, user, client and address.

    The route is the pattern, not the path: no id of an account is in it, and no query. While the
    request lasts, every line that is logged carries its id. A status of 500 or more is a warning
    or an error.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
            logger.log(
                _level_of(response.status_code),
                "request",
                method=request.method if request.method in _METHODS else "other",
                route=_route(request),
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
                address=request.META.get("REMOTE_ADDR", ""),
                **_who(request),
            )
        return response


def _level_of(status: int) -> int:
    """503 says that the bank cannot just now; any other 5xx is a fault of the bank."""
    if status < 500:
        return logging.INFO
    return logging.WARNING if status == 503 else logging.ERROR


def log_crash(sender: object, request: HttpRequest | None = None, **_: Any) -> None:
    """got_request_exception: what crashed outside of the API's views, with its traceback.

    The API's own handler sends the signal too, under its name, and has logged by then.
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
    """The user and client, where authentication has found them. It is not made to happen here."""
    if not hasattr(request, "auth"):
        user = getattr(request, "_cached_user", None)  # Set once somebody asked who it is.
        return {"user": getattr(user, "pk", None)}
    client = getattr(request.auth, "application", None)
    return {"user": request.user.pk, "client": getattr(client, "client_id", None)}
