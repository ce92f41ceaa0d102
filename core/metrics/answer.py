"""The answer to a scraper: who may read the metrics, and in which form."""

import hmac
from collections.abc import Iterable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client.metrics_core import Metric

from core.metrics.exposition import PLAIN, rendered
from core.metrics.folder import FolderBusy

PATH = "/metrics"


def answer_to(request: HttpRequest, further: Iterable[Metric] = ()) -> HttpResponse | None:
    """The response, with `further` metrics; None for a caller for whom the page does not exist.

    Raises DisallowedHost for a caller on this machine who calls it by a foreign name.
    """
    if request.path_info != PATH or not _exists_for(request):
        return None
    if settings.METRICS_TOKEN and not _has_token(request):
        response = HttpResponse("The token is wrong or missing.\n", PLAIN, 401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    elif request.method not in ("GET", "HEAD"):
        response = HttpResponse("Metrics are only read.\n", PLAIN, 405)
        response["Allow"] = "GET, HEAD"
    else:
        response = _metrics(request, further)
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _exists_for(request: HttpRequest) -> bool:
    if not settings.BANK_METRICS:
        return False
    return bool(settings.METRICS_TOKEN) or (settings.METRICS_ARE_OPEN and _is_on_machine(request))


def _is_on_machine(request: HttpRequest) -> bool:
    """Whether the caller is on this machine and names it so.

    A foreign page in a browser here may have its own name lead to this machine.
    """
    try:
        is_loopback = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return is_loopback and bool(request.get_host())


def _metrics(request: HttpRequest, further: Iterable[Metric]) -> HttpResponse:
    try:
        text, content_type = rendered(request.META.get("HTTP_ACCEPT", ""), further)
    except FolderBusy:
        return HttpResponse("The counts are in use. Try again.\n", PLAIN, 503)
    return HttpResponse(text, content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        token.strip().encode(), settings.METRICS_TOKEN.encode()
    )
