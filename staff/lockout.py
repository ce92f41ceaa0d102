"""What someone sees who failed to log in too often."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, Any] | None
) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: 429, and the longest that it can last."""
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins",
        "minutes": settings.LOCKOUT_MINUTES,
    }
    response = render(request, "staff/locked_out.html", context, status=429)
    response["Retry-After"] = str(settings.LOCKOUT_MINUTES * 60)
    return response
