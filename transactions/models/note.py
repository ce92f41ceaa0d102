"""Notes: what staff write about an account, a customer or a transaction."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.days import shown_moment
from customers.models import Customer
from transactions.models.transaction import Transaction

MAX_NOTE_LENGTH = 2000
# The columns of which a note has exactly one.
SUBJECTS = ("account", "customer", "transaction")


def _only(subject: str) -> Q:
    return Q(**{f"{name}__isnull": name != subject for name in SUBJECTS})


def _of_subject(subject: str) -> models.Index:
    """Holds the notes about a subject in the order of the ids, and no others."""
    about_it = Q(**{f"{subject}__isnull": False})
    return models.Index(fields=[subject, "id"], condition=about_it, name=f"note_of_{subject}")


def _key(model: type[models.Model]) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        model,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notes",
        db_index=False,
    )


class Note(models.Model):
    """A text of staff about one thing: who wrote it, and when. It never changes.

    Free text can name people. So `forget_customer` alone empties the texts about its customer:
    see docs/adr/0029. Only `transactions.commands.AddNote` writes here.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account = _key(Account)
    customer = _key(Customer)
    transaction = _key(Transaction)
    text = models.CharField(
        max_length=MAX_NOTE_LENGTH,
        blank=True,
        help_text="Empty once a customer whom it concerns is forgotten.",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=80, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (("write_note", "Can write notes"),)
        ordering = ("-id",)
        indexes = tuple(map(_of_subject, SUBJECTS))
        constraints = (
            models.UniqueConstraint(
                fields=["caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="note_idempotency_key_unique",
            ),
            models.CheckConstraint(
                condition=_only("account") | _only("customer") | _only("transaction"),
                name="note_about_one_thing",
            ),
        )

    def __str__(self) -> str:
        return f"Note of {shown_moment(self.at)}"

    @property
    def subject(self) -> Account | Customer | Transaction:
        """What the note is about. Reads it, unless it was joined."""
        about = self.account or self.customer or self.transaction
        assert about is not None, "The database keeps one of the three."
        return about
