"""Statements of accounts."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from core.money import AmountField, TotalField


class Statement(models.Model):
    """The entries of a customer's account in one calendar month of the bank. Append-only.

    It is a range of the account's own sequence, which has no gap: the entries posted from
    `starts_at` up to, but excluding, `ends_at`. The statements of an account are numbered 1..n, and
    each begins where the one before it ends. Without entries `last_sequence` is one less than
    `first_sequence`. `digest` covers the secret, all figures and entries, and the digest of the
    statement before it: see `statements.digests`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="statements",
        db_index=False,  # The unique key below begins with it.
    )
    number = models.PositiveIntegerField(help_text="1..n in each account, without a gap.")
    period = models.CharField(max_length=7, help_text="Year and month.")
    starts_at = models.DateTimeField(help_text="When the period begins.")
    ends_at = models.DateTimeField(help_text="The moment before which the period ends.")
    time_zone = models.CharField(max_length=64, help_text="The zone that the month follows.")
    currency = models.CharField(max_length=3)
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    count = models.PositiveBigIntegerField(help_text="Number of entries.")
    opening_balance = AmountField()
    closing_balance = AmountField()
    total_debits = TotalField()
    total_credits = TotalField()
    previous = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="next"
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, in hexadecimal.")
    secret = models.CharField(
        max_length=64, help_text="Random, so that nobody can guess the digest: 32 bytes."
    )
    # Remembered: a run of seal_ledger that is under way at the issue ends with an older seal.
    seal_number = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The newest seal at the issue; empty without one."
    )
    seal_digest = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Its digest."
    )
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        default_permissions = ("view",)
        permissions = (("issue_statement", "Can issue statements"),)
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["account", "number"], name="statement_number_unique"),
            models.UniqueConstraint(fields=["account", "period"], name="statement_period_unique"),
            models.CheckConstraint(
                condition=Q(number=1, previous__isnull=True, first_sequence=1, opening_balance=0)
                | Q(number__gt=1, previous__isnull=False),
                name="statement_begins",
            ),
            models.CheckConstraint(
                condition=Q(
                    first_sequence__gte=1, last_sequence=F("first_sequence") + F("count") - 1
                ),
                name="statement_counts_its_entries",
            ),
            models.CheckConstraint(
                condition=Q(total_debits__gte=0, total_credits__gte=0),
                name="statement_sums_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    closing_balance=F("opening_balance") - F("total_debits") + F("total_credits")
                ),
                name="statement_sums_join",
            ),
            models.CheckConstraint(condition=~Q(secret=""), name="statement_has_a_secret"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="statement_period_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(seal_number__isnull=True, seal_digest="")
                | (Q(seal_number__gt=0) & ~Q(seal_digest="")),
                name="statement_names_a_seal_whole",
            ),
        )

    def __str__(self) -> str:
        return f"Statement {self.number} of {self.account}"

    @property
    def seal(self) -> str:
        """Number and digest of the newest seal of the ledger at its issue; empty without one."""
        return f"{self.seal_number}, {self.seal_digest}" if self.seal_number else ""
