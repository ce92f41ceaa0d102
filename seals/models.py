"""Seals, and the ranges of entries that they cover."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from core.money import AmountField


class Seal(models.Model):
    """A signed head over all entries that came since the seal before it. Append-only.

    Seals are numbered 1..n without a gap, and each has the digest of the one before it. Digests,
    keys and signatures are in lower-case hexadecimal. `blocks` are the roots of each 1,024 ranges,
    from which the root follows: a proof needs them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.PositiveBigIntegerField(unique=True)
    sealed_at = models.DateTimeField(help_text="After the last posting that it covers.")
    root = models.CharField(max_length=64, help_text="Root of the tree over its ranges.")
    blocks = models.JSONField(default=list, help_text="Roots of each 1,024 ranges.")
    ranges = models.PositiveBigIntegerField(help_text="Ranges of entries.")
    entries = models.PositiveBigIntegerField(help_text="Entries in its ranges.")
    total_entries = models.PositiveBigIntegerField(help_text="Entries in all seals until here.")
    previous = models.CharField(
        max_length=64, blank=True, help_text="Digest of the seal before it; empty for the first."
    )
    public_key = models.CharField(max_length=64, help_text="The Ed25519 key that signed it.")
    next_public_key = models.CharField(
        max_length=64, blank=True, default="", help_text="The key of the next seals, if it changes."
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its text.")
    signature = models.CharField(max_length=128, help_text="Ed25519, of its text.")

    class Meta:
        default_permissions = ("view",)
        ordering = ("-number",)
        constraints = (
            models.CheckConstraint(condition=Q(number__gt=0), name="seal_numbered"),
            models.CheckConstraint(
                condition=Q(number=1, previous="") | (Q(number__gt=1) & ~Q(previous="")),
                name="seal_chained",
            ),
        )

    def __str__(self) -> str:
        return f"Seal {self.number}"

    @property
    def promised_key(self) -> str:
        """The public key of the seal after this one."""
        return self.next_public_key or self.public_key


class SealedRange(models.Model):
    """A run of entries of one account in a seal: a leaf of the seal's tree. Append-only.

    Ids are in the order of `position`. Without foreign key constraints, which would check each row
    by itself: the verifier checks that seal and account exist.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    seal = models.ForeignKey(
        Seal,
        on_delete=models.PROTECT,
        related_name="leaves",
        db_constraint=False,
        db_index=False,
    )
    position = models.BigIntegerField(help_text="Its place among the leaves of the seal, from 0.")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    balance = AmountField(help_text="After the last entry.")
    entries_root = models.CharField(max_length=64, help_text="Root of the tree over its entries.")
    secret = models.CharField(
        max_length=64, help_text="Random: salts are made from it. Proofs never show it."
    )

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["seal", "position"], name="sealed_range_position"),
            # Also finds the range of an entry.
            models.UniqueConstraint(fields=["account", "last_sequence"], name="sealed_once"),
            models.CheckConstraint(
                condition=Q(first_sequence__gt=0, last_sequence__gte=F("first_sequence")),
                name="sealed_range_not_empty",
            ),
        )

    def __str__(self) -> str:
        return f"Entries {self.first_sequence} to {self.last_sequence} of {self.account_id}"
