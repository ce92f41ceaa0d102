"""`GET /metrics`: who may read it, and its answer."""

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt

from bankproject.metrics.shown import of_database
from core.api.short_way import credentials
from core.content_security import GetResponse
from core.metrics.exposition import PLAIN, rendered
from core.metrics.folder import FolderBusy

PATH = "/metrics"


class MetricsMiddleware:
    """Answers a scraper that may read the metrics, before all rules for clients and pages.

    So it is never throttled or redirected, and may call the process by any name: a scraper calls
    each one by its address. For all others the page does not exist.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH or not _exists_for(request):
            return self.get_response(request)
        request.resolver_match = resolve(PATH)
        return _answer(request)


@csrf_exempt
def metrics_page(_request: HttpRequest) -> HttpResponse:
    """The route's view: it is reached only by those for whom the page does not exist."""
    raise Http404


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


def _answer(request: HttpRequest) -> HttpResponse:
    if settings.METRICS_TOKEN and not _has_token(request):
        response = HttpResponse("The token is wrong or missing.\n", PLAIN, 401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    elif request.method not in ("GET", "HEAD"):
        response = HttpResponse("Metrics are only read.\n", PLAIN, 405)
        response["Allow"] = "GET, HEAD"
    else:
        response = _metrics(request)
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _metrics(request: HttpRequest) -> HttpResponse:
    try:
        text, content_type = rendered(request.META.get("HTTP_ACCEPT", ""), of_database())
    except FolderBusy:
        return HttpResponse("The counts are in use. Try again.\n", PLAIN, 503)
    return HttpResponse(text, content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, token = credentials(request)
    return scheme == "bearer" and hmac.compare_digest(
        token.encode(), settings.METRICS_TOKEN.encode()
    )
