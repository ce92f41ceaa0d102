"""The page of open sessions: the user's own, or all sessions for users with the right to them."""

from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.api.permissions import has_right
from core.staff_log import record
from staff.models import StaffSession
from staff.sessions import digest_of

logger = structlog.get_logger("bank.staff")

END_OTHERS = "staff.end_session"
_ON_PAGE = 200


@require_http_methods(["GET", "HEAD", "POST"])
def sessions_page(request: HttpRequest) -> HttpResponse:
    """Users may end their own sessions, and with the right END_OTHERS also those of others."""
    own = digest_of(request.session.session_key or "")
    if request.method == "POST":
        _end(request)
        return HttpResponseRedirect(reverse("admin:sessions"))
    rows = _visible(request).select_related("user").order_by("-seen_at")[:_ON_PAGE]
    context = {
        **admin.site.each_context(request),
        "title": "Sessions",
        "sessions": [{"row": row, "is_this": row.pk == own} for row in rows],
        "sees_others": has_right(request.user, END_OTHERS),
    }
    return TemplateResponse(request, "staff/sessions.html", context)


def _visible(request: HttpRequest) -> QuerySet[StaffSession]:
    open_ones = StaffSession.objects.filter(expire_date__gt=timezone.now(), user__isnull=False)
    if has_right(request.user, END_OTHERS):
        return open_ones
    return open_ones.filter(user=request.user.pk)


def _end(request: HttpRequest) -> None:
    """Ends the session named in the form. A session hidden from the user counts as missing."""
    wanted = request.POST.get("session", "")
    row = _visible(request).select_related("user").filter(pk=wanted).first()
    if row is None:
        messages.error(request, "There is no such session; it may have ended.")
        return
    user: Any = row.user
    row.delete()
    logger.info("session.ended", user=user.pk, by=request.user.pk)
    if user.pk != request.user.pk:
        record(request.user.pk, user, str(user), CHANGE, "Ended a session.")
    messages.success(request, f"Ended: a session of {user.get_username()}.")
