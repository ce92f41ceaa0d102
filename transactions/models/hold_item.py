"""Items of batches that are no transactions: what they did to a hold, or why they did nothing."""

from django.db import models
from django.db.models import Q

from transactions.models.batch import Batch
from transactions.models.hold import Hold
from transactions.states import HoldAction


class HoldItem(models.Model):
    """An item of a batch that placed or voided a hold, or was refused. Append-only.

    A batch whose key comes again finds its results here. Captures are transactions, unless they
    were refused. A VOID has its key here; a HOLD has it in its hold.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    batch = models.ForeignKey(
        Batch,
        on_delete=models.PROTECT,
        related_name="hold_items",
        db_index=False,  # The unique index below begins with it.
    )
    batch_index = models.IntegerField(help_text="Its place in the batch, from 0.")
    action = models.CharField(max_length=8, choices=HoldAction.choices)
    hold = models.ForeignKey(
        Hold,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="None: a HOLD that was refused.",
    )
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_detail = models.CharField(max_length=500, blank=True, default="")
    caller = models.CharField(max_length=80, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["batch", "batch_index"], name="hold_item_in_its_place"),
            models.UniqueConstraint(
                fields=["caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="hold_item_idempotency_key_unique",
            ),
            models.CheckConstraint(
                condition=Q(action__in=HoldAction.values)
                & (Q(hold__isnull=False) | ~Q(failure_code="")),
                name="hold_item_done_or_refused",
            ),
            models.CheckConstraint(
                condition=Q(idempotency_key__isnull=True)
                | Q(action=HoldAction.VOID, failure_code=""),
                name="hold_item_key_of_a_void",
            ),
        )

    def __str__(self) -> str:
        return f"Item {self.batch_index} of batch {self.batch_id}"
