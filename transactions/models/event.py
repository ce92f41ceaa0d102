"""Events: changes of a transaction after its creation."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from transactions.models.transaction import Transaction
from transactions.states import TransactionStatus


class TransactionEvent(models.Model):
    """A later transition of a transaction, with the values it overwrote. Append-only.

    The transaction's own row records its creation and a direct outcome.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    transaction = models.ForeignKey(
        Transaction,
        on_delete=models.PROTECT,
        related_name="events",
        # A guard checks all rows of a statement: a check by row would lock the transaction again.
        db_constraint=False,
        db_index=False,
    )
    event = models.CharField(max_length=30)
    from_status = models.CharField(max_length=10, choices=TransactionStatus.choices)
    to_status = models.CharField(max_length=10, choices=TransactionStatus.choices)
    attempt = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=100, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    detail = models.JSONField(default=dict, help_text="What the transition overwrote or found.")
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (("read_audit", "Can read what all staff did, and their logins"),)
        ordering = ("-id",)
        indexes = (models.Index(fields=["transaction", "id"], name="transaction_event_by_owner"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    from_status__in=TransactionStatus.values,
                    to_status__in=TransactionStatus.values,
                ),
                name="transaction_event_status_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event}: {self.from_status} to {self.to_status}"
