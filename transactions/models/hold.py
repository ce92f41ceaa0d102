"""Holds: money of an account that is reserved for a later payment."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from core.days import shown_moment
from core.money import AmountField
from transactions.models.transaction import MAX_DESCRIPTION_LENGTH, Transaction
from transactions.states import HoldEventType, HoldStatus

_OPEN = Q(status=HoldStatus.OPEN)


class Hold(models.Model):
    """Reserves `amount` of an account until it is captured, voided or expires. Kept for ever.

    Each capture is a transaction: a transfer to the target account, or a withdrawal without one.
    An open hold keeps `amount - captured` reserved, and the account's `held` is the sum of these.
    Only the holder of the account's lock changes either.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="holds",
        db_index=False,  # The index below begins with it.
    )
    target_account = models.ForeignKey(
        Account,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The account that captures credit. None: they pay cash out.",
    )
    amount = AmountField(help_text="What was reserved.")
    captured = AmountField(default=Decimal(0), help_text="Sum of its posted captures.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code, the account's own.")
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, blank=True, default="")
    status = models.CharField(max_length=8, choices=HoldStatus.choices, default=HoldStatus.OPEN)
    expires_at = models.DateTimeField(help_text="From this moment on nothing can be captured.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=80, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    end_reason = models.CharField(
        max_length=500, blank=True, default="", help_text="Why it was voided."
    )

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["account", "id"], name="hold_of_account"),
            # The guard of an account's `held` adds up its open holds from this index alone.
            models.Index(
                fields=["account", "amount", "captured"],
                condition=_OPEN,
                name="hold_open_of_account",
            ),
            models.Index(fields=["expires_at", "id"], condition=_OPEN, name="hold_open_expires"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="hold_idempotency_key_unique",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    captured__gte=0,
                    captured__lte=F("amount"),
                    status__in=HoldStatus.values,
                ),
                name="hold_captured_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status=HoldStatus.OPEN, captured__lt=F("amount"), ended_at__isnull=True)
                | (~_OPEN & Q(ended_at__isnull=False)),
                name="hold_open_or_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status=HoldStatus.CAPTURED) | Q(captured__gt=0),
                name="hold_captured_of_something",
            ),
        )

    def __str__(self) -> str:
        return f"Hold of {shown_moment(self.created_at)}"

    @property
    def held(self) -> Decimal:
        """What it still reserves, in main units: zero once it has ended."""
        return self.amount - self.captured if self.status == HoldStatus.OPEN else Decimal(0)


class HoldCapture(models.Model):
    """Links a transaction to the hold that it captures a part of. Append-only.

    With `final` the posted transaction ends the hold, and the rest is released.
    """

    transaction = models.OneToOneField(
        Transaction,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="capture",
        db_column="id",  # As every table of a file has it.
    )
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="captures")
    final = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Capture {self.transaction_id}"


class HoldEvent(models.Model):
    """A change of a hold: its place in the feed and in the audit log. Append-only."""

    id = models.UUIDField(primary_key=True, editable=False)
    hold = models.ForeignKey(
        Hold,
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,  # The index below begins with it.
    )
    event = models.CharField(max_length=8, choices=HoldEventType.choices)
    status = models.CharField(max_length=8, choices=HoldStatus.choices, help_text="After it.")
    captured = AmountField(help_text="Sum of the captures after it.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code, the hold's own.")
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The transaction of a capture.",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=100, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (models.Index(fields=["hold", "id"], name="hold_event_of_hold"),)

    def __str__(self) -> str:
        return f"{self.get_event_display()} {shown_moment(self.at)}"

    @property
    def held(self) -> Decimal:
        """What the hold still reserved after it, in main units."""
        if self.status != HoldStatus.OPEN:
            return Decimal(0)
        amount: Decimal = self.hold.amount
        return amount - self.captured
