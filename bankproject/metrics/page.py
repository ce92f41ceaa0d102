"""`GET /metrics` of a web process."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt

from bankproject.metrics.shown import of_database
from core.content_security import GetResponse
from core.metrics.answer import PATH, answer_to


class MetricsMiddleware:
    """Answers a scraper that may read the metrics, before all rules for clients and pages.

    So a scraper is never throttled or redirected, and may call the process by any name: it calls
    each process by its address. For all others the page does not exist.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH:
            return self.get_response(request)
        answer = answer_to(request, of_database())
        if answer is None:
            return self.get_response(request)
        request.resolver_match = resolve(PATH)
        return answer


@csrf_exempt
def metrics_page(_request: HttpRequest) -> HttpResponse:
    """The route's view: it is reached only by those for whom the page does not exist."""
    raise Http404
