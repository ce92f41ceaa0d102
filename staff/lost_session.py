"""Tells staff at the login that their session has ended, and that nothing was done."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

ENDED = "ended"


class LostSessionMiddleware:
    """Marks the redirect to the login of a browser whose session is over.

    It has the cookie of a session that no longer exists; a logout removes the cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.COOKIES.get(settings.SESSION_COOKIE_NAME) and response.status_code == 302:
            login = f"{reverse('admin:login')}?"
            if response["Location"].startswith(login) and not request.user.is_authenticated:
                response["Location"] += f"&{ENDED}=1"
        return response
