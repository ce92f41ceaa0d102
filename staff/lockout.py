"""Lockout and rate limit of logins, and their responses."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.addresses import caller_of
from core.api.throttling import RateLimit


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, Any] | None
) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: 429, with the longest possible wait."""
    return _wait(request, settings.LOCKOUT_MINUTES * 60, "as this user")


def too_many_logins(request: HttpRequest) -> HttpResponse | None:
    """A response 429 for an address with too many logins of any users in a minute, else None.

    Counts before a password is hashed: otherwise a flood would occupy all processors, and names
    could be tried one after the other. Each worker allows the full limit: a share of it would be
    too low for an office behind one address.
    """
    limit = RateLimit("login", settings.THROTTLE_LOGIN_PER_MINUTE, is_divided=False)
    seconds = limit.hit(caller_of(request))
    return None if seconds is None else _wait(request, seconds, "")


def _wait(request: HttpRequest, seconds: int, as_whom: str) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins" if as_whom else "Too many logins",
        "as_whom": as_whom,
        "minutes": -(-seconds // 60),
    }
    response = render(request, "staff/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
