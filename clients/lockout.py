"""Lockout of the OAuth2 routes: whoever guesses secrets has to wait."""

import hashlib
from typing import Any

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
        key = _key(request)
        if (seconds := failures.is_exhausted(key)) is not None:
            return throttled_response(request, seconds)
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 401:
            failures.hit(key)
        return response


def _key(request: HttpRequest) -> str:
    """Of the client that the form names, which `clients.credentials` has read, and the address.

    Names are as long as the sender likes, so that the key is a digest.
    """
    named = f"{request.POST.get('client_id', '')}\n{caller_of(request)}"
    return hashlib.sha256(named.encode(errors="replace")).hexdigest()
