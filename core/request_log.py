"""One line for each request: who, what, how it ended, how long it took. Never what was in it."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = structlog.get_logger("bank.request")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestLogMiddleware:
    """Logs `request` with method, route, status, milliseconds, user, client and address.

    The route is the pattern, not the path: no id of an account is in it, and no query. While the
    request lasts, every line that is logged carries its id.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
            logger.info(
                "request",
                method=request.method if request.method in _METHODS else "other",
                route=_route(request),
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
                address=request.META.get("REMOTE_ADDR", ""),
                **_who(request),
            )
        return response


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
