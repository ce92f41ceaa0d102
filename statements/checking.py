"""`/verify/<digest>/`: anyone may check a document of the bank, without a login.

The answer says whether the bank has issued a statement with this digest, and for which period. It
says nothing of the account, its owner or any amount. Only a holder of the document has its digest:
a secret of the statement is in it, so knowing the figures does not help to guess it.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from core.addresses import caller_of
from core.api.fields import rfc_3339
from core.api.middleware import throttled_response
from core.api.throttling import RateLimit
from statements.models import Statement

_DIGEST = re.compile("[0-9a-f]{64}")
# For people who type or scan addresses.
_PER_MINUTE = 60
# Nothing runs on this page, and it loads its style only.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


class CheckView(View):
    """The answer as a page, or as JSON by Accept or `?format=json`."""

    http_method_names = ["get", "head"]

    @method_decorator(never_cache)
    def get(self, request: HttpRequest, digest: str) -> HttpResponse:
        seconds = RateLimit("verify", _PER_MINUTE).hit(caller_of(request))
        if seconds is not None:
            return throttled_response(request, seconds)
        status, answer = answer_to(digest)
        response: HttpResponse
        if _wants_json(request):
            response = JsonResponse(answer, status=status)
        else:
            response = render(request, "statements/check.html", _shown(answer), status=status)
        response["Content-Security-Policy"] = _POLICY
        response["Vary"] = "Accept"
        return response


def answer_to(digest: str) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the members of the answer."""
    answer: dict[str, Any] = {"bank": settings.BANK_NAME, "digest": digest[:64].lower()}
    if not _DIGEST.fullmatch(digest.lower()):
        return 400, {**answer, "result": "malformed"}
    found = Statement.objects.filter(digest=digest.lower()).first()
    if found is None:
        return 404, {**answer, "result": "unknown"}
    return 200, {
        **answer,
        "result": "genuine",
        "document": "statement",
        "period": found.period,
        "starts_at": rfc_3339(found.starts_at),
        "ends_at": rfc_3339(found.ends_at),
        "time_zone": found.time_zone,
        "issued_at": rfc_3339(found.issued_at),
    }


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """With the day of issue in the statement's time zone."""
    if "issued_at" not in answer:
        return answer
    issued_at = datetime.fromisoformat(answer["issued_at"])
    return {**answer, "issued_on": issued_at.astimezone(ZoneInfo(answer["time_zone"])).date()}


def _wants_json(request: HttpRequest) -> bool:
    wanted = request.GET.get("format")
    if wanted is not None:
        return wanted == "json"
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
