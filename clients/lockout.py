"""Lockout of the OAuth2 routes: whoever guesses secrets has to wait."""

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import View

from core.addresses import caller_of
from core.api.middleware import throttled_response
from core.api.throttling import RateLimit


class LockoutMixin(View):
    """429 with Retry-After for an address that failed too often as one client, its secret unread.

    Counted are the answers 401, by the pair of client id and address: nobody locks a client out
    from elsewhere, nor an address for its other clients. It ends with the window, at the latest
    LOCKOUT_MINUTES after the first failure.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        failures = RateLimit(
            "lockout",
            settings.LOCKOUT_FAILURES,
            settings.LOCKOUT_MINUTES * 60,
            # A share of a few failures would be one, and lock out for a slip of the hand.
            is_divided=False,
        )
        keys = _keys(request)
        waits = [seconds for key in keys if (seconds := failures.is_exhausted(key)) is not None]
        if waits:
            return throttled_response(request, max(waits))
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 401:
            for key in keys:
                failures.hit(key)
        return response


def _keys(request: HttpRequest) -> list[str]:
    """One key for each client that the request says it is.

    The library tries HTTP Basic first, then parameters: one failure counts for all that were named,
    or a wrong name in front would hide guesses at the right one. They are as long as the sender
    likes, so that the keys are digests.
    """
    claimed = {_basic_client_id(request), request.GET.get("client_id"), _form_client_id(request)}
    address = caller_of(request)
    return [
        hashlib.sha256(f"{client_id}\n{address}".encode(errors="replace")).hexdigest()
        for client_id in (claimed - {None} or {""})
    ]


def _form_client_id(request: HttpRequest) -> str | None:
    return request.POST.get("client_id") if request.method == "POST" else None


def _basic_client_id(request: HttpRequest) -> str | None:
    """The user of HTTP Basic (RFC 7617), form-encoded as RFC 6749, section 2.3.1, wants it."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, separator, _ = base64.b64decode(credentials).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return unquote_plus(client_id) if separator else None
