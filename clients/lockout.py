"""Lockout of the OAuth2 routes, against guessing of secrets."""

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
    """Responds 429 with Retry-After to an address with too many failures as one client.

    The secret is then not checked at all. The lockout counts 401 responses by the pair of client id
    and address. So nobody can lock a client out from elsewhere, and an address is not locked out
    for its other clients. The lockout ends with the window, at the latest LOCKOUT_MINUTES after the
    first failure.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        failures = RateLimit(
            "lockout",
            settings.LOCKOUT_FAILURES,
            settings.LOCKOUT_MINUTES * 60,
            # Each worker allows the full number. A share might be a single failure, so one typo
            # would lock the client out.
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
    """The key of the address and the client named in the form read by `clients.credentials`.

    It is a digest, because names may be of any length.
    """
    named = f"{request.POST.get('client_id', '')}\n{caller_of(request)}"
    return hashlib.sha256(named.encode(errors="replace")).hexdigest()
