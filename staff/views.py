"""The page where staff set up their authenticator and get backup codes."""

from io import BytesIO
from typing import Any

import django_otp
from django.contrib import admin
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from staff import authenticators, keys
from staff.forms import BackupCodesForm, EnrolmentForm

_KEY = "enrolment_key"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@csrf_protect
def authenticator_page(request: HttpRequest) -> HttpResponse:
    """Shows a logged-in user new backup codes, or enrolment if the user has no authenticator.

    A user with an authenticator but without its code is logged out: a password alone opens neither
    page.
    """
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return _to_login()
    if not authenticators.has_authenticator(user):
        return _enrolment(request, user)
    if not user.is_verified():
        logout(request)
        return _to_login()
    return _backup_codes(request, user)


def _enrolment(request: HttpRequest, user: Any) -> HttpResponse:
    # The key belongs to the session: a second session with the same password does not see it. It is
    # encrypted, because sessions are in the database.
    kept = request.session.get(_KEY) or keys.encrypted(authenticators.new_key(), user_id=user.pk)
    request.session[_KEY] = kept
    key = keys.decrypted(kept, user_id=user.pk)
    form = EnrolmentForm(request.POST or None, user=user, key=key)
    if request.method == "POST" and form.is_valid():
        del request.session[_KEY]
        request.session.cycle_key()
        django_otp.login(request, form.device)
        return _page(request, "codes", codes=form.backup_codes)
    uri = authenticators.provisioning_uri(user, key)
    words = authenticators.key_in_words(key)
    return _page(request, "enrolment", form=form, qr_code=_qr_code(uri), key=words)


def _backup_codes(request: HttpRequest, user: Any) -> HttpResponse:
    form = BackupCodesForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        return _page(request, "codes", codes=authenticators.new_backup_codes(user))
    return _page(request, "authenticator", form=form, left=authenticators.backup_codes_left(user))


def _page(request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
    shared = {**admin.site.each_context(request), "title": "Authenticator"}
    return TemplateResponse(request, f"staff/{name}.html", {**shared, **context})


def _to_login() -> HttpResponseRedirect:
    page = reverse("admin:authenticator")
    return HttpResponseRedirect(f"{reverse('admin:login')}?next={page}")


def _qr_code(text: str) -> SafeString:
    """The QR code as inline SVG: the key is in no URL, and no other host is involved."""
    import qrcode
    from qrcode.image.svg import SvgPathImage

    image = BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=16).save(image)
    _, _, svg = image.getvalue().decode().partition("?>")
    return mark_safe(svg.strip())  # noqa: S308 - paths that the library drew
