"""Filters of the journal's lists, and the words for their values."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from accounts.admin.filters import AccountFilter
from accounts.models import Account
from core.console.admin import badge, in_words
from core.errors import ERROR_KINDS, FAILURES_BY_DECISION, REFUSALS
from transactions.models import Transaction
from transactions.models.queries import touching
from transactions.states import TransactionStatus

_STATUS_COLOURS = {
    TransactionStatus.PENDING.label: "warning",
    TransactionStatus.PROCESSING.label: "info",
    TransactionStatus.COMPLETED.label: "success",
    TransactionStatus.FAILED.label: "danger",
}


def status_badge(transaction: Transaction) -> SafeString:
    """The status as a coloured label."""
    return badge(transaction.get_status_display(), _STATUS_COLOURS)


def shown_failure(code: str) -> str:
    """The words for a failure code."""
    return ERROR_KINDS[code].title if code in ERROR_KINDS else in_words(code)


class EitherSideFilter(AccountFilter):
    """Transactions that debit or credit the account."""

    def condition(self, account: Account) -> Q:
        return touching(account.pk)


class StatementFilter(AccountFilter):
    """Ledger lines of the account."""

    def condition(self, account: Account) -> Q:
        if account.last_sequence is None:
            return Q(account=account)
        # Repeats the index's own condition: otherwise PostgreSQL sorts whole accounts.
        return Q(account=account, sequence__gt=0)


class FailureFilter(DropdownFilter):
    title = "failure"
    parameter_name = "failure_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, shown_failure(code)) for code in (*REFUSALS, *FAILURES_BY_DECISION)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Also filters by status: only FAILED rows have a failure, and they have an index."""
        if not self.value():
            return queryset
        return queryset.filter(status=TransactionStatus.FAILED, failure_code=self.value())
