"""Error pages for staff (missing, forbidden, busy) in the layout of the admin, with a link back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import csrf, defaults

from core.errors import Busy

_ADMIN = "/admin/"


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_for_staff(request):
        return defaults.permission_denied(request, exception)
    return _page(
        request,
        403,
        title="Not allowed",
        explanation="Your role does not allow this page or action. Nothing was changed. If you"
        " need it for your work, ask the people who manage the users.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_for_staff(request):
        return defaults.page_not_found(request, exception)
    return _page(
        request,
        404,
        title="Nothing here",
        explanation="There is no such page, account or transaction. The address may be mistyped;"
        " the lists on the left and their search find everything that there is.",
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a failed CSRF check, usually of a form that was open during a new login."""
    if not _is_for_staff(request):
        return csrf.csrf_failure(request, reason)
    return _page(
        request,
        403,
        title="This form is out of date",
        explanation="You have logged in again since you opened it, or your browser keeps no"
        " cookies. Nothing was changed. Go back, reload the page and try once more.",
    )


class BusyPageMiddleware:
    """A page for what staff may try again in a moment, such as a long file beside two others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if not isinstance(exc, Busy) or not _is_for_staff(request):
            return None
        page = _page(request, 503, title="Busy", explanation=exc.detail)
        if exc.retry_after_seconds is not None:
            page["Retry-After"] = str(exc.retry_after_seconds)
        return page


def _is_for_staff(request: HttpRequest) -> bool:
    return request.path_info.startswith(_ADMIN) and admin.site.has_permission(request)


def _page(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), **context}
    return render(request, "console/error.html", context, status=status)
