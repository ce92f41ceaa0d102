"""Customers, and the audit log of their records.

Personal data stands in the table of customers only. Events name the details that changed, never
their values, so `forget_customer` has one row to replace.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.days import shown_moment
from customers.states import CustomerEventType, CustomerKind, CustomerStatus
from customers.words import CustomerWord

__all__ = ["FORGOTTEN_NAME", "PERSONAL", "Customer", "CustomerEvent", "CustomerWord"]

# The columns with personal data, which `forget_customer` empties. The name gets FORGOTTEN_NAME.
PERSONAL = ("birth_date", "registration_number", "email", "phone", "address", "note")
FORGOTTEN_NAME = "Forgotten customer"


class Customer(models.Model):
    """A person or an organisation that the bank has accounts for.

    `user` is the login with which the customer sees their accounts. Once given it stays. The owner
    of each of the customer's accounts is always this user: see docs/adr/0024.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.CharField(
        max_length=10, unique=True, help_text="Customer number, with two check digits."
    )
    kind = models.CharField(
        max_length=12, choices=CustomerKind.choices, default=CustomerKind.PERSON
    )
    name = models.CharField(max_length=200, help_text="Full name.")
    birth_date = models.DateField(null=True, blank=True, help_text="Of a person.")
    registration_number = models.CharField(
        max_length=50, blank=True, default="", help_text="Of an organisation, in its register."
    )
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(
        max_length=20, blank=True, default="", help_text="Digits, after a + if international."
    )
    address = models.CharField(max_length=500, blank=True, default="")
    note = models.CharField(max_length=2000, blank=True, default="", help_text="For staff only.")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="customer",
        help_text="The login with which the customer sees their accounts.",
    )
    status = models.CharField(
        max_length=9, choices=CustomerStatus.choices, default=CustomerStatus.ACTIVE
    )
    idempotency_caller = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (
            ("register_customer", "Can register customers and change their details"),
            ("manage_customer", "Can give customers a user, and close and reopen them"),
        )
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["email"], name="customer_by_email"),
            models.Index(fields=["phone"], name="customer_by_phone"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["idempotency_caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="customer_idempotency_key_unique",
            ),
            models.CheckConstraint(
                condition=Q(idempotency_key__isnull=True, idempotency_caller__isnull=True)
                | Q(idempotency_key__isnull=False, idempotency_caller__isnull=False),
                name="customer_idempotency_key_has_caller",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=CustomerKind.values, status__in=CustomerStatus.values),
                name="customer_kind_and_status_known",
            ),
            models.CheckConstraint(
                condition=Q(kind=CustomerKind.PERSON, registration_number="")
                | Q(kind=CustomerKind.ORGANISATION, birth_date__isnull=True),
                name="customer_details_fit_kind",
            ),
            models.CheckConstraint(
                condition=~Q(status=CustomerStatus.FORGOTTEN)
                | Q(
                    name=FORGOTTEN_NAME,
                    birth_date__isnull=True,
                    registration_number="",
                    email="",
                    phone="",
                    address="",
                    note="",
                ),
                name="customer_forgotten_is_empty",
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def is_active(self) -> bool:
        return self.status == CustomerStatus.ACTIVE


class CustomerEvent(models.Model):
    """A change to a customer's record: who made it, and why. Append-only, no personal data."""

    id = models.UUIDField(primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="events")
    event = models.CharField(max_length=30, choices=CustomerEventType.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=80, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    changed = models.JSONField(default=list, help_text="The names of the details that changed.")
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (models.Index(fields=["customer", "id"], name="customer_event_by_customer"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(event__in=CustomerEventType.values), name="customer_event_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_event_display()} {shown_moment(self.at)}"
