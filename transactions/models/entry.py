"""Ledger lines: a view over the journal."""

from django.db import models

from accounts.models import Account
from core.money import AmountField
from transactions.models.transaction import Transaction


class EntrySide(models.TextChoices):
    DEBIT = "DEBIT", "Debit"
    CREDIT = "CREDIT", "Credit"


class Entry(models.Model):
    """A ledger line: one side of a posted transaction, read from a database view.

    `amount` is signed: a credit +, a debit -. `sequence` and `balance_after` are null on the side
    of an internal account.
    """

    id = models.CharField(primary_key=True, max_length=40)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, related_name="entries", db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="entries", db_constraint=False
    )
    side = models.CharField(max_length=6, choices=EntrySide.choices)
    sequence = models.BigIntegerField(null=True)
    amount = AmountField()
    balance_after = AmountField(null=True)
    currency = models.CharField(max_length=3)
    posted_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "transactions_entry"
        default_permissions = ("view",)
        ordering = ("account", "-sequence")
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.transaction_id}"
