"""The admin's site: staff log in with password and code."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from staff.authenticators import has_authenticator
from staff.first_password import first_password_page
from staff.forms import LoginForm
from staff.lockout import too_many_logins
from staff.one_time import must_be_replaced
from staff.session_page import sessions_page
from staff.verification import is_verified_enough
from staff.views import authenticator_page


class StaffAdminSite(UnfoldAdminSite):
    """Every page checks `has_permission` first, including the change of a password.

    A user who still has to give a code, or to replace a one-time password, can open only login,
    logout and the page for that.
    """

    login_form = LoginForm
    login_template = "staff/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and is_verified_enough(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirects logged-in users who still need a password of their own or an authenticator."""
        user: Any = request.user
        is_shut_out = user.is_active and user.is_staff and not self.has_permission(request)
        if request.method == "GET" and is_shut_out:
            if must_be_replaced(request):
                return HttpResponseRedirect(reverse("admin:first_password"))
            if not has_authenticator(user):
                return HttpResponseRedirect(reverse("admin:authenticator"))
        if request.method == "POST" and (wait := too_many_logins(request)) is not None:
            return wait
        response: HttpResponse = super().login(request, extra_context)
        return response

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("authenticator/", authenticator_page, name="authenticator"),
            path("first-password/", first_password_page, name="first_password"),
            path("sessions/", self.admin_view(sessions_page), name="sessions"),
            # Comes before the site's own route, which would not log out users without permission.
            path("logout/", self.logout, name="logout"),
        ]
