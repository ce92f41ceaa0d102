"""Times in the user's time zone.

A script of ours (`staff/static/staff/time_zone.js`) puts the browser's zone into a cookie, from the
login page on. The server does not store the zone. So staff who travel see local times, and "today"
is their day. Without the cookie, times are in the
bank's zone. Every time is shown with its zone.
"""

import zoneinfo
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

COOKIE = "bank_time_zone"
_ADMIN = "/admin/"


class StaffTimeZoneMiddleware:
    """Activates the cookie's zone for pages of the admin.

    Unknown names are ignored. The API always uses UTC.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(COOKIE, "")
        if not request.path_info.startswith(_ADMIN) or name not in _known_zones():
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)


@cache
def _known_zones() -> frozenset[str]:
    """The names in this machine's IANA time zone database."""
    return frozenset(zoneinfo.available_timezones())


def zone_in_words(_request: HttpRequest) -> str:
    """The text below the bank's name on every page: "Times in Europe/Berlin"."""
    return f"Times in {timezone.get_current_timezone()}"
