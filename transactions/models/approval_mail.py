"""Mails about transactions that wait for approval."""

from django.conf import settings
from django.db import models


class ApprovalMail(models.Model):
    """What one user was told by mail, and when the next mail may go out.

    `told_until`: all requests until this moment were in a mail. `sent_at`: the last mail.
    `next_at`: no worker sends a mail before; the worker that sends one moves it on first.
    `failing_since`: since when a mail that is due cannot be sent; NULL while none fails.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
        # Releases before this table know of no row that hangs on a user.
        db_constraint=False,
    )
    told_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Mail to {self.user}"
