"""Switches endpoints off that do not work, and tells staff."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from core import clock
from core.mail import Mailer, MailFailed
from webhooks.models import Endpoint
from webhooks.permissions import CanManageWebhooks

logger = logging.getLogger(__name__)

_BACKEND = "core.authorization_backend.BankModelBackend"


def switch_off(endpoint: Endpoint, reason: str) -> None:
    """Switches it off, and tells the staff who manage webhooks by mail, where the bank sends mail.

    Does nothing if it is off already.
    """
    still_on = Endpoint.objects.filter(pk=endpoint.pk, is_on=True)
    if not still_on.update(is_on=False, off_reason=reason[:500], updated_at=clock.now()):
        return
    logger.error("Webhook %s is switched off: %s", endpoint.pk, reason)
    if settings.SENDS_MAIL:
        _tell_staff(endpoint, reason)


def _tell_staff(endpoint: Endpoint, reason: str) -> None:
    users: Any = get_user_model().objects
    staff = users.with_perm(CanManageWebhooks.right, backend=_BACKEND)
    text = (
        f"The webhook {endpoint.pk} is switched off. {reason}\n\n"
        "Nothing is lost: once it is on again, it gets everything since then.\n"
    )
    with Mailer() as mailer:
        for user in staff.filter(is_staff=True).exclude(email=""):
            try:
                mailer.send(
                    to=user.email,
                    subject=f"{settings.BANK_NAME}: a webhook is switched off",
                    text=text,
                )
            except MailFailed as problem:
                logger.warning("User %s got no mail about it: %s", user.pk, problem)
