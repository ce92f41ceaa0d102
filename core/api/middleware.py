"""Middleware: an id for each request, and problem details instead of HTML pages under /api/."""

import re
from ipaddress import ip_address
from secrets import token_hex

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core import overload
from core.addresses import caller_of
from core.api.problems import CODE_BY_STATUS, answer_of, problem_response
from core.api.request_id import (
    current_address,
    current_request_id,
    current_trace_id,
    trace_id_of,
)
from core.api.throttling import RateLimit
from core.content_security import API_POLICY, PERMISSIONS_POLICY, GetResponse
from core.database_errors import note
from core.errors import FieldError
from core.metrics.instruments import SHED, no_room_is_no_fault

__all__ = ["ApiErrorsMiddleware", "RequestIdMiddleware", "current_request_id", "is_api"]

API_PREFIX = "/api/"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEPT_HEADERS = ("Allow", "WWW-Authenticate", "Retry-After", "Strict-Transport-Security")
# On every response, including those that never reach the middleware for pages.
_DEFAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": API_POLICY,
    "Permissions-Policy": PERMISSIONS_POLICY,
    "X-Content-Type-Options": "nosniff",
}


def is_valid_ip(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(API_PREFIX)


class RequestIdMiddleware:
    """Gives each request an id of ours, or the X-Request-ID set by the proxy in front of us.

    A caller's own id is ignored: the audit trail keeps the id, so nobody may choose it. It is in
    `request.request_id`, in `current_request_id` during the request, and in a response header.
    The trace id (`current_trace_id`) may be the caller's: it is for logs only.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        is_ours = settings.TRUSTS_REQUEST_IDS and _REQUEST_ID.fullmatch(sent)
        request_id = sent if is_ours else token_hex(16)
        request.request_id = request_id  # type: ignore[attr-defined]
        trace_id = trace_id_of(request.META.get("HTTP_TRACEPARENT", ""), request_id)
        token, trace_token = current_request_id.set(request_id), current_trace_id.set(trace_id)
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
            current_trace_id.reset(trace_token)
        response["X-Request-ID"] = request_id
        return response


class TrustedProxyMiddleware:
    """Sets REMOTE_ADDR and `current_address` to the client's address, also behind proxies.

    Each of the TRUSTED_PROXIES appends its caller's address to X-Forwarded-For, so the client's own
    address is that many from the right. The client may have forged anything left of it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.TRUSTED_PROXIES:
            forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            addresses = [address.strip() for address in forwarded]
            if len(addresses) >= settings.TRUSTED_PROXIES:
                address = addresses[-settings.TRUSTED_PROXIES]
                if is_valid_ip(address):
                    request.META["REMOTE_ADDR"] = address
        token = current_address.set(request.META.get("REMOTE_ADDR", ""))
        try:
            return self.get_response(request)
        finally:
            current_address.reset(token)


class AddressThrottleMiddleware:
    """The rate limit per address under /api/, before authentication, which costs a statement."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            limit = RateLimit("address", settings.THROTTLE_ADDRESS_PER_MINUTE)
            seconds = limit.hit(caller_of(request))
            if seconds is not None:
                return throttled_response(request, seconds)
        return self.get_response(request)


class OverloadMiddleware:
    """Answers `busy` to a late request for the API. The console is for few, and always served."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if overload.is_late() and is_api(request) and not _is_probe(request):
            with no_room_is_no_fault():
                SHED.inc()
            detail = "The bank has too much to do. Nothing was done."
            return problem_response("busy", detail, request)
        return self.get_response(request)


def _is_probe(request: HttpRequest) -> bool:
    """A probe without an answer would have a busy process killed, or taken from its proxy."""
    return request.path_info.startswith(f"{API_PREFIX}v1/health/")


class ApiErrorsMiddleware:
    """Turns every error under /api/ into problem details, and forbids caches to store responses.

    `exception_handler` answers errors raised in views. This class replaces the pages that Django
    makes outside of views: for an unknown path, a bad host, a failed CSRF check, a crash in
    middleware. It also replaces the DEBUG pages with their stack traces.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response = _refuse_chunked(request) or self.get_response(request)
        if response.status_code >= 400 and _is_page(response):
            response = _as_problem(response, request)
        for name, value in _DEFAULT_HEADERS.items():
            response.headers.setdefault(name, value)
        if isinstance(
            response, HttpResponse
        ):  # One made above CommonMiddleware would be sent in chunks.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Handles database errors in views outside of Django REST framework.

        Under /api/ these are the routes of OAuth2. For a page, it drops a broken connection and
        leaves the response to Django.
        """
        if not isinstance(exc, DatabaseFailure):
            return None
        if is_api(request):
            return answer_of(exc, request)
        note(exc)
        return None


def throttled_response(request: HttpRequest, seconds: int) -> HttpResponse:
    """429 with Retry-After."""
    detail = f"Too many requests. Try again in {seconds} seconds."
    return problem_response("throttled", detail, request, headers={"Retry-After": str(seconds)})


def _is_page(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "text/html").startswith("text/")


def _as_problem(page: HttpResponseBase, request: HttpRequest) -> HttpResponse:
    general = "internal_error" if page.status_code >= 500 else "validation_error"
    code = CODE_BY_STATUS.get(page.status_code, general)
    headers = {name: page.headers[name] for name in _KEPT_HEADERS if name in page.headers}
    return problem_response(code, "", request, headers=headers)


def _refuse_chunked(request: HttpRequest) -> HttpResponse | None:
    """Refuses a body without Content-Length, which Django would read as an empty body."""
    if "HTTP_TRANSFER_ENCODING" not in request.META or request.META.get("CONTENT_LENGTH"):
        return None
    detail = "A body must be sent with its Content-Length, not chunked."
    error = FieldError("", "length_required", detail)
    return problem_response("validation_error", detail, request, errors=[error])
