"""Filters of the journal's lists, and the words for their values."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from accounts.admin.filters import AccountFilter
from accounts.models import Account
from core.console.admin import badge, in_words
from core.errors import ERROR_KINDS, FAILURES_BY_DECISION, REFUSALS
from transactions.models import Transaction, TransactionEvent
from transactions.models.queries import FAILED, WAITS_FOR_APPROVAL, touching
from transactions.states import TransactionEventType, TransactionStatus

# Ends of a transaction that somebody or time decided: nothing went wrong.
_DECIDED = {"rejected": "Rejected", "cancelled": "Cancelled", "approval_expired": "Expired"}
_DECIDED_BY: dict[str, str] = {
    TransactionEventType.REJECTED: _DECIDED["rejected"],
    TransactionEventType.CANCELLED: _DECIDED["cancelled"],
    TransactionEventType.EXPIRED: _DECIDED["approval_expired"],
}
_REVERSED = "Reversed"
# The value of the filter of what waits for a second person.
WAITS = "waits"

_STATUS_COLOURS = {
    TransactionStatus.PENDING.label: "warning",
    TransactionStatus.PROCESSING.label: "info",
    TransactionStatus.COMPLETED.label: "success",
    TransactionStatus.FAILED.label: "danger",
    "Rejected": "warning",
    "Cancelled": "default",
    "Expired": "default",
    _REVERSED: "info",
}

# Failures that are not somebody's decision.
WENT_WRONG = Q(status=FAILED) & ~Q(failure_code__in=FAILURES_BY_DECISION)
# For an annotation: whether a transaction has a posted or waiting reversal, by the unique index.
IS_REVERSED = Exists(Transaction.objects.filter(~Q(status=FAILED), reverses=OuterRef("pk")))


def is_reversed(transaction: Transaction) -> bool:
    """Whether it has a posted or waiting reversal. False if the row lacks that annotation."""
    return bool(getattr(transaction, "is_reversed", False))


def shown_status(transaction: Transaction) -> str:
    """The status in the words of staff: a decision has its own, and so has what was reversed."""
    if is_reversed(transaction):
        return _REVERSED
    return _DECIDED.get(transaction.failure_code) or str(transaction.get_status_display())


def shown_statuses(transactions: Collection[Transaction]) -> dict[UUID, str]:
    """The status of each by its id, in the words of staff. At most one statement."""
    ids = [one.pk for one in transactions if one.status == TransactionStatus.COMPLETED]
    ids_reversed = Transaction.objects.filter(IS_REVERSED, pk__in=ids).values_list("pk", flat=True)
    found = set(ids_reversed) if ids else set()
    return {one.pk: _REVERSED if one.pk in found else shown_status(one) for one in transactions}


def shown_step(event: TransactionEvent) -> tuple[str, str]:
    """The statuses before and after an event, in the words of staff."""
    after = TransactionStatus(event.to_status).label
    before = TransactionStatus(event.from_status).label
    return str(before), _DECIDED_BY.get(event.event, str(after))


def status_badge(transaction: Transaction) -> SafeString:
    """The status as a coloured label."""
    return badge(shown_status(transaction), _STATUS_COLOURS)


def shown_failure(code: str) -> str:
    """The words for a failure code."""
    return ERROR_KINDS[code].title if code in ERROR_KINDS else in_words(code)


class EitherSideFilter(AccountFilter):
    """Transactions that debit or credit the account."""

    def condition(self, account: Account) -> Q:
        return touching(account.pk)


class MakerFilter(TextFilter):
    """Transactions that a user has asked for, by user name."""

    title = "made by (user name)"
    parameter_name = "made_by"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Looks the user up first: the index of makers begins with the user's id."""
        if not self.value():
            return queryset
        maker = get_user_model().objects.filter(username=str(self.value()).strip()).first()
        return queryset.filter(created_by=maker) if maker else queryset.none()


class StatementFilter(AccountFilter):
    """Ledger lines of the account."""

    def condition(self, account: Account) -> Q:
        if account.last_sequence is None:
            return Q(account=account)
        # Repeats the index's own condition: otherwise PostgreSQL sorts whole accounts.
        return Q(account=account, sequence__gt=0)


class ApprovalFilter(DropdownFilter):
    """Transactions that wait for a second person, by their small index."""

    title = "approval"
    parameter_name = "approval"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(WAITS, "Waits for a second person")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(WAITS_FOR_APPROVAL) if self.value() == WAITS else queryset.none()


class FailureFilter(DropdownFilter):
    title = "failure"
    parameter_name = "failure_code"
    # Any failure but a decision: what the menu and Today count.
    any_fault = "fault"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = [(code, shown_failure(code)) for code in (*REFUSALS, *FAILURES_BY_DECISION)]
        return [(self.any_fault, "Anything that went wrong"), *codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Also filters by status: only FAILED rows have a failure, and they have an index."""
        if not self.value():
            return queryset
        if self.value() == self.any_fault:
            return queryset.filter(WENT_WRONG)
        return queryset.filter(status=TransactionStatus.FAILED, failure_code=self.value())
