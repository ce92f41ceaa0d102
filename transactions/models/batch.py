"""Requests with a list of transactions."""

from django.db import models
from django.db.models import Q


class Batch(models.Model):
    """Transactions of one request. `refused_index` is the item that stopped an atomic batch."""

    id = models.UUIDField(primary_key=True, editable=False)
    caller = models.CharField(max_length=80)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    # The fingerprint of the current request as an earlier release computed it; not stored.
    earlier_fingerprint = ""
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    atomic = models.BooleanField()
    refused_index = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "batches"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="batch_idempotency_key_unique",
            ),
        )

    def __str__(self) -> str:
        return f"Batch {self.id}"
