"""Endpoints of webhooks, and what is delivered to them."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q

from webhooks.states import DeliveryStatus


class Endpoint(models.Model):
    """An address that hears of changes, as far as its user may see them.

    `places` are its places in the feed: what comes after them has no delivery yet. `next_at` is the
    earliest moment of the next attempt, and `failing_since` the first failure since the last
    success. `lease_token` fences the worker that serves the endpoint.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True, default="")
    types = models.JSONField(default=list, help_text="Types of events; none for all.")
    # Encrypted: see `webhooks.secrets`. The old secret signs too until the moment.
    secret = models.CharField(max_length=200, editable=False)
    old_secret = models.CharField(max_length=200, blank=True, default="", editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The endpoint hears what this user may see.",
    )
    caller = models.CharField(max_length=100, help_text="Who made it.")
    is_on = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=500, blank=True, default="")
    places = models.JSONField(editable=False)
    next_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (("manage_endpoint", "Can manage webhooks"),)
        ordering = ("-id",)
        verbose_name = "webhook"
        constraints = (
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True, lease_expires_at__isnull=True)
                | Q(lease_token__isnull=False, lease_expires_at__isnull=False),
                name="endpoint_lease_whole",
            ),
            models.CheckConstraint(
                condition=Q(is_on=False) | Q(off_reason=""), name="endpoint_reason_when_off"
            ),
        )

    def __str__(self) -> str:
        """Without the query, which may have a password."""
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path}"


class Delivery(models.Model):
    """One event for one endpoint. An endpoint gets its deliveries in the order of their ids.

    `attempts` has the last attempts: each with its moment, status, error and milliseconds.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    event_id = models.UUIDField()
    type = models.CharField(max_length=60)
    body = models.TextField(help_text="As it is sent.")
    status = models.CharField(
        max_length=9, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING
    )
    attempt_count = models.PositiveIntegerField(default=0)
    attempts = models.JSONField(default=list)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        indexes = (
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(
                fields=["endpoint", "id"],
                condition=Q(status=DeliveryStatus.WAITING),
                name="delivery_waiting",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.WAITING, ended_at__isnull=True)
                | Q(
                    status__in=(DeliveryStatus.DELIVERED, DeliveryStatus.SKIPPED),
                    ended_at__isnull=False,
                ),
                name="delivery_ended_or_waits",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
