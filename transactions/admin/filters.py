"""Filters of the journal's lists."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from accounts.admin.filters import AccountFilter
from accounts.models import Account
from core.admin import in_words
from core.errors import ERROR_KINDS, FAILURES_BY_DECISION, REFUSALS
from transactions.selectors import touching


def shown_failure(code: str) -> str:
    """A failure code in words."""
    return ERROR_KINDS[code].title if code in ERROR_KINDS else in_words(code)


class EitherSideFilter(AccountFilter):
    """Transactions that debit or credit the account."""

    def condition(self, account: Account) -> Q:
        return touching(account.pk)


class StatementFilter(AccountFilter):
    """The ledger's lines of the account."""

    def condition(self, account: Account) -> Q:
        if account.last_sequence is None:
            return Q(account=account)
        # Says what the index of sequences says of itself, or PostgreSQL sorts whole accounts.
        return Q(account=account, sequence__gt=0)


class FailureFilter(DropdownFilter):
    title = "failure"
    parameter_name = "failure_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, shown_failure(code)) for code in (*REFUSALS, *FAILURES_BY_DECISION)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(failure_code=self.value()) if self.value() else queryset
