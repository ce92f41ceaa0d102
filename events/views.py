"""The API of the feed."""

import re
from typing import Any

from django.http import HttpResponse
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.pagination import page_size
from core.api.renderers import json_response
from core.api.requests import origin_of, parse_query
from events import cursors, schema
from events.changes import ChangeReader
from events.feed import FeedPage, read
from events.keys import BEGINNING, newest_places
from events.permissions import CanReadEvents
from events.waiting import LONGEST_WAIT_SECONDS, place_of, wait

NEWEST = "newest"
# The seconds may stand in quotes.
_WAIT = re.compile(r"""(?:^|[,;])\s*wait\s*=\s*("?)0*([0-9]+)\1\s*(?=$|[,;])""", re.IGNORECASE)
_MOST_DIGITS = 6
_RETRY_AFTER_SECONDS = "1"


class EventsView(APIView):
    """The feed of changes, for staff and for customers."""

    def get_permissions(self) -> list[BasePermission]:
        """A method that the route does not have needs no right: any known caller gets 405."""
        known = self.request.method in ("GET", "HEAD")
        return [CanReadEvents() if known else IsAuthenticated()]

    @schema.list_events
    def get(self, request: Request) -> HttpResponse:
        query = parse_query(schema.EventQuery, request)
        size = page_size(request)
        reader = ChangeReader.of(request.user)
        after = query.get("after")
        if after == NEWEST:
            return _response(request, FeedPage([], newest_places(), has_more=False))
        page = read(reader, cursors.decode(after) if after else BEGINNING, size)
        seconds = _wanted_seconds(request.META.get("HTTP_PREFER", ""))
        if not seconds or not _is_at_end(page):
            return _response(request, page)
        with place_of(origin_of(request).caller) as has_place:
            if not has_place:
                return _response(request, page, {"Retry-After": _RETRY_AFTER_SECONDS})
            page = wait(
                lambda before: read(reader, before.places, size),
                page,
                is_empty=_is_at_end,
                seconds=seconds,
            )
        return _response(request, page, {"Preference-Applied": f"wait={seconds}"})


def _is_at_end(page: FeedPage) -> bool:
    return not page.changes and not page.has_more


def _wanted_seconds(prefer: str) -> int:
    """How long the client wants to wait for a change (RFC 7240, section 4.3), at most 25 s."""
    found = _WAIT.search(prefer)
    return min(int(found[2][:_MOST_DIGITS]), LONGEST_WAIT_SECONDS) if found else 0


def _response(
    request: Request, page: FeedPage, headers: dict[str, str] | None = None
) -> HttpResponse:
    members: dict[str, Any] = {
        "results": [change.represent() for change in page.changes],
        "cursor": cursors.encode(page.places),
        "has_more": page.has_more,
    }
    return json_response(request, members, headers=headers)
