"""The journal."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from accounts.models import Account
from core.money import AmountField
from transactions.models.archive_run import ArchiveRun
from transactions.models.batch import Batch
from transactions.states import TransactionStatus, TransactionType

_POSTED = Q(status=TransactionStatus.COMPLETED)
_NOTHING_POSTED = Q(
    completed_at__isnull=True,
    debit_sequence__isnull=True,
    debit_balance_after__isnull=True,
    credit_sequence__isnull=True,
    credit_balance_after__isnull=True,
)


def _both_null_or_neither(one: str, other: str) -> Q:
    return Q(**{f"{one}__isnull": True, f"{other}__isnull": True}) | Q(
        **{f"{one}__isnull": False, f"{other}__isnull": False}
    )


MAX_DESCRIPTION_LENGTH = 500


class Transaction(models.Model):
    """One row debits one account and credits another: a posting cannot be out of balance.

    The account columns have no foreign key constraint. A guard checks the accounts of all rows of a
    statement at once, and their currency. `*_sequence` and `*_balance_after` are assigned under the
    account's lock when the transaction is posted; internal accounts have neither. `id` carries
    `created_at` (see core.identifiers). Only `transactions.ledger.writer` writes here.
    """

    # For a failed reversal, once looked up: whether another one waits or is posted.
    is_overtaken: bool | None = None
    # For a failure after a wait for approval, once looked up: whether it captures a hold.
    is_capture: bool | None = None

    id = models.UUIDField(primary_key=True, editable=False)
    type = models.CharField(max_length=8, choices=TransactionType.choices)
    status = models.CharField(max_length=10, choices=TransactionStatus.choices)
    debit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    credit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    amount = AmountField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, blank=True, default="")
    debit_sequence = models.BigIntegerField(null=True, blank=True)
    debit_balance_after = AmountField(null=True, blank=True)
    credit_sequence = models.BigIntegerField(null=True, blank=True)
    credit_balance_after = AmountField(null=True, blank=True)
    effective_at = models.DateTimeField(help_text="Value date. Posting order never depends on it.")
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_detail = models.CharField(max_length=500, blank=True, default="")
    retry_count = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(
        default=0, help_text="How often a worker has started it."
    )
    reverses = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reversals",
        db_index=False,
    )
    batch = models.ForeignKey(
        Batch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    batch_index = models.PositiveIntegerField(null=True, blank=True)
    idempotency_caller = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    scheduled_for = models.DateTimeField(null=True, blank=True)
    approval_required = models.BooleanField(default=False)
    lease_token = models.UUIDField(null=True, blank=True, help_text="Fences a worker's claim.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=100, blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # From where it was asked for, as the request log has it. NULL for jobs and in older rows: a
    # column that may be NULL is added without a new copy of the journal.
    request_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    address = models.GenericIPAddressField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    archive_run = models.ForeignKey(
        ArchiveRun,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        # A constraint would cost a third of archiving, for a row that is never deleted. The
        # verifier checks it.
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        default_permissions = ("view",)
        permissions = (
            ("post_transaction", "Can deposit, withdraw and transfer"),
            ("retry_transaction", "Can retry and cancel transactions"),
            ("reverse_transaction", "Can reverse transactions"),
            ("approve_transaction", "Can approve and reject transactions"),
        )
        ordering = ("-id",)
        indexes = (
            # Histories, newest first.
            models.Index(fields=["debit_account", "id"], name="transaction_debits"),
            models.Index(fields=["credit_account", "id"], name="transaction_credits"),
            # A maker's requests of a day, whose sum daily thresholds limit. With the id as key, the
            # planner would at times read all of the day in the order of the primary key.
            models.Index(fields=["created_by", "created_at"], name="transaction_makers"),
            # The newest of an amount, which staff search for.
            models.Index(fields=["amount", "id"], name="transaction_amounts"),
            # The queue, and the archive's selection. Both stay small.
            models.Index(
                Coalesce("scheduled_for", "created_at"),
                "id",
                condition=Q(status__in=[TransactionStatus.PENDING, TransactionStatus.PROCESSING]),
                name="transaction_queue",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status=TransactionStatus.PROCESSING),
                name="transaction_leases",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(
                    status=TransactionStatus.PENDING,
                    approval_required=True,
                    approved_by__isnull=True,
                ),
                name="transaction_approvals",
            ),
            # Failed transactions, newest first: a staff list, and its count on each staff page.
            models.Index(
                fields=["id"],
                condition=Q(status=TransactionStatus.FAILED),
                name="transaction_failed",
            ),
            models.Index(
                fields=["completed_at"],
                condition=Q(status=TransactionStatus.COMPLETED, archived_at__isnull=True),
                name="transaction_unarchived",
            ),
            models.Index(
                fields=["updated_at"],
                condition=Q(status=TransactionStatus.FAILED, archived_at__isnull=True),
                name="transaction_failed_unarchived",
            ),
        )
        constraints = (
            # Entries in order, and balances at a moment. Gapless, assigned under the lock.
            models.UniqueConstraint(
                fields=["debit_account", "debit_sequence"],
                condition=Q(debit_sequence__isnull=False),
                name="transaction_debit_sequence_unique",
            ),
            models.UniqueConstraint(
                fields=["credit_account", "credit_sequence"],
                condition=Q(credit_sequence__isnull=False),
                name="transaction_credit_sequence_unique",
            ),
            models.UniqueConstraint(
                fields=["idempotency_caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="transaction_idempotency_key_unique",
            ),
            # One waiting or posted reversal; a failed one does not block another.
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False) & ~Q(status=TransactionStatus.FAILED),
                name="transaction_reversed_once",
            ),
            models.UniqueConstraint(
                fields=["batch", "batch_index"],
                condition=Q(batch__isnull=False),
                name="transaction_batch_index_unique",
            ),
            models.CheckConstraint(
                condition=~Q(debit_account=models.F("credit_account")),
                name="transaction_accounts_differ",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transaction_amount_positive"),
            models.CheckConstraint(
                condition=Q(type__in=TransactionType.values, status__in=TransactionStatus.values),
                name="transaction_type_and_status_known",
            ),
            # Posted transactions, and only those, have sequence and balance of each customer side.
            models.CheckConstraint(
                condition=(_POSTED & Q(completed_at__isnull=False)) | (~_POSTED & _NOTHING_POSTED),
                name="transaction_posted_when_completed",
            ),
            models.CheckConstraint(
                condition=~_POSTED
                | Q(
                    type=TransactionType.DEPOSIT,
                    debit_sequence__isnull=True,
                    credit_sequence__isnull=False,
                )
                | Q(
                    type=TransactionType.WITHDRAW,
                    debit_sequence__isnull=False,
                    credit_sequence__isnull=True,
                )
                | Q(
                    type=TransactionType.TRANSFER,
                    debit_sequence__isnull=False,
                    credit_sequence__isnull=False,
                )
                | (
                    Q(type=TransactionType.REVERSAL)
                    & (Q(debit_sequence__isnull=False) | Q(credit_sequence__isnull=False))
                ),
                name="transaction_customer_sides_numbered",
            ),
            models.CheckConstraint(
                condition=_both_null_or_neither("debit_sequence", "debit_balance_after")
                & _both_null_or_neither("credit_sequence", "credit_balance_after"),
                name="transaction_sequence_has_balance",
            ),
            models.CheckConstraint(
                condition=(Q(status=TransactionStatus.FAILED) & ~Q(failure_code=""))
                | (~Q(status=TransactionStatus.FAILED) & Q(failure_code="", failure_detail="")),
                name="transaction_failure_when_failed",
            ),
            models.CheckConstraint(
                condition=(Q(type=TransactionType.REVERSAL) & Q(reverses__isnull=False))
                | (~Q(type=TransactionType.REVERSAL) & Q(reverses__isnull=True)),
                name="transaction_reversal_names_original",
            ),
            models.CheckConstraint(
                condition=_both_null_or_neither("idempotency_key", "idempotency_caller"),
                name="transaction_idempotency_key_has_caller",
            ),
            # Four eyes: maker and checker differ.
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=models.F("created_by")),
                name="transaction_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=_both_null_or_neither("archived_at", "archive_run")
                & (
                    Q(archived_at__isnull=True)
                    | Q(status__in=[TransactionStatus.COMPLETED, TransactionStatus.FAILED])
                ),
                name="transaction_archived_when_settled",
            ),
            models.CheckConstraint(
                condition=_both_null_or_neither("lease_token", "lease_expires_at")
                & (Q(lease_token__isnull=True) | Q(status=TransactionStatus.PROCESSING)),
                name="transaction_lease_while_processing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.id}"

    def waits_for_approval(self) -> bool:
        """Whether it needs approval by a second person."""
        is_pending = self.status == TransactionStatus.PENDING
        return is_pending and self.approval_required and self.approved_by_id is None
