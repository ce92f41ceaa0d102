"""The page where staff replace their one-time password, before any other page."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget

from core.staff_log import record
from staff.authenticators import has_authenticator
from staff.one_time import must_be_replaced, replaced


class FirstPasswordForm(SetPasswordForm):
    """Asks twice for the new password, and checks it by AUTH_PASSWORD_VALIDATORS."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        self.fields["new_password1"].label = "New password"
        self.fields["new_password2"].label = "The new password again"

    def clean_new_password1(self) -> str:
        password: str = self.cleaned_data["new_password1"]
        if self.user.check_password(password):
            self.add_error("new_password1", "Choose another password than the one-time password.")
        return password


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@csrf_protect
def first_password_page(request: HttpRequest) -> HttpResponse:
    """Stores the chosen password, and keeps this session. Redirects everybody else to Today.

    Logs out a user who has an authenticator but has not given its code.
    """
    user: Any = request.user
    today = HttpResponseRedirect(reverse("admin:index"))
    if not (user.is_active and user.is_staff and must_be_replaced(request)):
        return today
    if has_authenticator(user) and not user.is_verified():
        logout(request)
        return HttpResponseRedirect(reverse("admin:login"))
    form = FirstPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            replaced(request)
            record(user.pk, user, str(user), CHANGE, "Replaced the one-time password.")
        update_session_auth_hash(request, user)
        messages.success(request, "You have a password of your own now.")
        return today
    context = {**admin.site.each_context(request), "title": "Choose a password", "form": form}
    return TemplateResponse(request, "staff/first_password.html", context)
