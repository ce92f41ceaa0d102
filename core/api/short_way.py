"""The short way of the API: a request with a bearer token skips the middleware for pages."""

from django.db import Error as DatabaseFailure
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.api.middleware import is_api
from core.api.problems import answer_of
from core.api.routes import resolved
from core.content_security import GetResponse


class ShortWayMiddleware:
    """Calls the view of an API request with a bearer token; sends all others on to the pages.

    The middleware below this one in MIDDLEWARE serves people with a browser: static files, session,
    CSRF, login, messages. A request with a bearer token never enters it, and so cannot act by a
    cookie that it may also have. All rules of the API stand above, and hold for both ways.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request) and has_bearer_token(request):
            return _answer(request)
        return self.get_response(request)


def _answer(request: HttpRequest) -> HttpResponseBase:
    """As the end of Django's chain. Its handler turns what is raised here into a response."""
    match = request.resolver_match = resolved(request.path_info)
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except DatabaseFailure as failure:
        return answer_of(failure, request)
    if hasattr(response, "render"):
        response.render()
    return response


def has_bearer_token(request: HttpRequest | Request) -> bool:
    return credentials(request)[0] == "bearer"


def credentials(request: HttpRequest | Request) -> tuple[str, str]:
    """The scheme of the header Authorization, in lower case, and what follows it."""
    scheme, _, rest = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower(), rest.strip()
