"""One-time passwords: the bank makes them, and their users replace them at the next login."""

from typing import Any

import structlog
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from staff.authenticators import in_groups, random_code
from staff.models import OneTimePassword, StaffSession

logger = structlog.get_logger("bank.staff")

_IS_DUE = "password_is_one_time"


def give(user: Any, *, by: str) -> str:
    """Gives the user a new one-time password and returns it. Ends all sessions of the user."""
    password = in_groups(random_code(), separator="-")
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        OneTimePassword.objects.update_or_create(user=user, defaults={"made_at": timezone.now()})
        StaffSession.objects.filter(user=user).delete()
    logger.warning("password.one_time", user=user.pk, by=by)
    return password


def has_one(user: Any) -> bool:
    """Whether the user has not replaced a one-time password yet."""
    return bool(OneTimePassword.objects.filter(user=user.pk).exists())


def must_be_replaced(request: HttpRequest) -> bool:
    """Whether this session began with a one-time password that is still in use."""
    return bool(request.session.get(_IS_DUE))


def replaced(request: HttpRequest) -> None:
    """The user of the session has chosen another password."""
    OneTimePassword.objects.filter(user=request.user.pk).delete()
    request.session.pop(_IS_DUE, None)
    logger.info("password.chosen", user=request.user.pk)


def note(request: HttpRequest, user: Any, **_: Any) -> None:
    """Records at each login whether the password is a one-time password."""
    if user.is_staff and has_one(user):
        request.session[_IS_DUE] = True


user_logged_in.connect(note, dispatch_uid="staff.one_time.note")
