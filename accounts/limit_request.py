"""Requests for limits that a second person decides."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.states import LimitRequestStatus
from core.money import AmountField


class LimitRequest(models.Model):
    """A requested overdraft limit, or limits of payments, that need a second person. Kept for ever.

    An account has at most one waiting request. Someone other than the requester decides it, once.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="limit_requests"
    )
    overdraft_limit = AmountField(help_text="The limit that is asked for.")
    limit_before = AmountField(help_text="The limit when it was asked for.")
    limits = models.JSONField(
        null=True,
        help_text="The limits of payments that are asked for, and those before. Null: none are.",
    )
    reason = models.CharField(max_length=500)
    status = models.CharField(
        max_length=8, choices=LimitRequestStatus.choices, default=LimitRequestStatus.PENDING
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(status=LimitRequestStatus.PENDING),
                name="limit_request_one_waits",
            ),
            models.CheckConstraint(
                condition=Q(
                    status=LimitRequestStatus.PENDING,
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                )
                | Q(
                    status__in=(LimitRequestStatus.APPROVED, LimitRequestStatus.REJECTED),
                    decided_at__isnull=False,
                ),
                name="limit_request_decided_or_not",
            ),
            models.CheckConstraint(
                condition=~Q(status=LimitRequestStatus.APPROVED)
                | Q(decided_by__isnull=False)
                & (Q(requested_by__isnull=True) | ~Q(decided_by=models.F("requested_by"))),
                name="limit_request_maker_is_not_checker",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account} {self.get_status_display()}"

    @property
    def currency(self) -> str:
        return str(self.account.currency)

    @property
    def limits_after(self) -> dict[str, Any] | None:
        """The limits of payments that are asked for, amounts as text; None if none are."""
        return None if self.limits is None else self.limits["after"]

    @property
    def subject(self) -> str:
        """What is asked for, in words."""
        return "Overdraft limit" if self.limits is None else "Payment limits"
