"""Accounts, their audit log, and requests for overdraft limits."""

from decimal import Decimal
from functools import lru_cache
from uuid import UUID, uuid5

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.limit_request import LimitRequest
from accounts.states import (
    AccountEventType,
    AccountKind,
    AccountStatus,
    ShownStatus,
    shown_status,
)
from accounts.words import AccountWord, UserWord
from core.days import shown_moment
from core.money import AmountField
from customers.models import Customer

__all__ = ["Account", "AccountEvent", "AccountWord", "LimitRequest", "UserWord"]

CASH = "CASH"
# What tells whose account it is, to be read along by pages of many accounts: see `Account.holder`.
HOLDER = ("customer", "owner")

_INTERNAL_NAMESPACE = UUID("6b1f8d0e-52a3-5e0b-9a53-0d9c6f1c7a10")


def holders(*accounts: str) -> tuple[str, ...]:
    """HOLDER of the accounts that these fields of another row lead to."""
    return tuple(f"{account}__{tells}" for account in accounts for tells in HOLDER)


@lru_cache
def internal_account_id(code: str, currency: str) -> UUID:
    """The id of an internal account, computed without a query (UUIDv5, RFC 9562)."""
    return uuid5(_INTERNAL_NAMESPACE, f"{code}:{currency}")


class Account(models.Model):
    """An account in one currency, fixed at opening.

    Customers' accounts are the bank's liabilities: a credit raises the balance. `balance` is the
    balance after the entry numbered `last_sequence`. Only `transactions.ledger.writer` writes these
    two. An internal account (one CASH account per currency) would be a hot row, so it is never
    locked and stores no balance and no sequence. Its balance is the sum of its postings.
    """

    # The id of the LimitRequest, if the command's limit needs a second person.
    asked_limit_id: UUID | None = None

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.CharField(
        max_length=20, unique=True, help_text="Account number, with two check digits."
    )
    name = models.CharField(max_length=200, help_text="Name of the account.")
    kind = models.CharField(max_length=8, choices=AccountKind.choices, default=AccountKind.CUSTOMER)
    code = models.CharField(
        max_length=20, blank=True, default="", help_text="What an internal account is for."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="accounts",
        help_text="The customer who may see the account and transfer from it.",
    )
    customer = models.ForeignKey(
        Customer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="accounts",
        db_index=False,  # The index below has the accounts of customers only.
        help_text="The customer of the account. Their user is its owner.",
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    balance = AmountField(null=True, default=Decimal(0))
    overdraft_limit = AmountField(
        default=Decimal(0), help_text="How far below zero the balance may go."
    )
    max_amount = AmountField(null=True, blank=True, help_text="The most of one payment.")
    daily_amount = AmountField(null=True, blank=True, help_text="The most of a day's payments.")
    daily_count = models.IntegerField(null=True, blank=True, help_text="The most payments a day.")
    held = AmountField(
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="Money reserved by the account's open holds.",
    )
    status = models.CharField(
        max_length=6, choices=AccountStatus.choices, default=AccountStatus.ACTIVE
    )
    debits_blocked = models.BooleanField(default=False)
    credits_blocked = models.BooleanField(default=False)
    broken_rules = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="Codes of the rules that a verification found broken here.",
    )
    debits_held = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Debits are refused because of broken rules, until staff release them.",
    )
    last_sequence = models.BigIntegerField(
        null=True, default=0, help_text="Number of entries, and the sequence of the newest."
    )
    last_posted_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    idempotency_caller = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    request_fingerprint = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (
            ("open_account", "Can open accounts"),
            ("manage_account", "Can rename, freeze, unfreeze and close accounts and set limits"),
        )
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["customer", "id"],
                condition=Q(customer__isnull=False),
                name="account_by_customer",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["code", "currency"],
                condition=Q(kind=AccountKind.INTERNAL),
                name="account_internal_code_unique",
            ),
            models.UniqueConstraint(
                fields=["idempotency_caller", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="account_idempotency_key_unique",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AccountKind.values) & Q(status__in=AccountStatus.values),
                name="account_kind_and_status_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=AccountKind.CUSTOMER,
                    code="",
                    balance__isnull=False,
                    last_sequence__isnull=False,
                )
                | (
                    Q(
                        kind=AccountKind.INTERNAL,
                        balance__isnull=True,
                        last_sequence__isnull=True,
                        owner__isnull=True,
                        overdraft_limit=0,
                    )
                    & ~Q(code="")
                ),
                name="account_internal_has_no_balance",
            ),
            # Backs the check for insufficient funds in transactions.commands. NULL passes, as the
            # balance of an internal account.
            models.CheckConstraint(
                condition=models.Func(
                    models.F("balance"),
                    models.F("overdraft_limit"),
                    # In alphabetical order, as in migrations: Django compares the order.
                    arg_joiner=" >= -",
                    output_field=models.BooleanField(),
                    template="%(expressions)s",
                ),
                name="account_balance_within_overdraft",
            ),
            models.CheckConstraint(
                condition=Q(overdraft_limit__gte=0), name="account_overdraft_limit_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(status=AccountStatus.ACTIVE) | Q(balance=0),
                name="account_closed_is_empty",
            ),
            # An account begins empty: its balance comes from entries alone.
            models.CheckConstraint(
                condition=Q(last_sequence__isnull=True)
                | Q(last_sequence=0, balance=0, last_posted_at__isnull=True)
                | Q(last_sequence__gt=0, last_posted_at__isnull=False),
                name="account_balance_comes_from_entries",
            ),
            models.CheckConstraint(
                condition=Q(idempotency_key__isnull=True, idempotency_caller__isnull=True)
                | Q(idempotency_key__isnull=False, idempotency_caller__isnull=False),
                name="account_idempotency_key_has_caller",
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def holder(self) -> str:
        """Whose account it is: the name of its customer or its owner; "" for neither.

        Pages of many accounts read HOLDER along.
        """
        if self.customer is not None:
            return self.customer.name
        return str(self.owner.get_full_name() or self.owner) if self.owner else ""

    @property
    def full_name(self) -> str:
        """What staff call it: "Ada Lovelace, Savings". A name with the holder in it says enough."""
        holder = self.holder
        return self.name if holder.casefold() in self.name.casefold() else f"{holder}, {self.name}"

    @property
    def in_full(self) -> str:
        """Its number and its full name."""
        return f"{self.number} {self.full_name}"

    @property
    def is_closed(self) -> bool:
        return self.status == AccountStatus.CLOSED

    @property
    def shown_status(self) -> ShownStatus:
        return shown_status(self.status, self.debits_blocked, self.credits_blocked)

    @property
    def available_balance(self) -> Decimal | None:
        """Balance plus overdraft limit less holds, in main units. The queue reserves nothing."""
        return None if self.balance is None else self.balance + self.overdraft_limit - self.held


class AccountEvent(models.Model):
    """A change to an account: who made it, why, and the values before and after. Append-only."""

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="events")
    event = models.CharField(max_length=30, choices=AccountEventType.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=80, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (models.Index(fields=["account", "id"], name="account_event_by_account"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(event__in=AccountEventType.values), name="account_event_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_event_display()} {shown_moment(self.at)}"
