"""Account filters of the admin's lists."""

from typing import Any
from uuid import UUID

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter, TextFilter

from accounts.models import CASH, Account
from accounts.selectors import shown_as
from accounts.states import AccountKind, ShownStatus
from core.currency_names import currency_choices
from core.identifiers import parse_uuid


class ShownStatusFilter(RadioFilter):
    """Filters by the status that everyone sees: active, frozen or closed."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return ShownStatus.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if not value:
            return queryset
        return (
            queryset.filter(shown_as(ShownStatus(value)))
            if value in ShownStatus.values
            else queryset.none()
        )


class KindFilter(RadioFilter):
    """Customers' accounts, the bank's own, or both. Without a choice a list shows customers', and a
    search finds both.
    """

    title = "kind"
    parameter_name = "kind__exact"
    all_option = ("", "Customers' accounts")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(AccountKind.INTERNAL, "Cash accounts"), ("ALL", "All accounts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        is_search = bool(request.GET.get(SEARCH_VAR, "").strip())
        value = self.value() or ("ALL" if is_search else AccountKind.CUSTOMER)
        return queryset if value == "ALL" else queryset.filter(kind=value)


class CurrencyFilter(DropdownFilter):
    """Filters by currency. Offers the currencies in use: those with a cash account."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        cash_accounts = Account.objects.filter(kind=AccountKind.INTERNAL, code=CASH)
        currencies = cash_accounts.order_by("currency").values_list("currency", flat=True)
        return currency_choices(currencies)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(currency=self.value()) if self.value() else queryset


class AccountFilter(TextFilter):
    """Filters by one account, given by its number or id. `condition` selects the account's rows."""

    title = "account number"
    parameter_name = "account"

    def condition(self, account: Account) -> Q:
        return Q(account=account)

    @cached_property
    def account(self) -> Account | None:
        return account_named(self.value()) if self.value() else None

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(self.condition(self.account)) if self.account else queryset.none()


def account_named(text: str) -> Account | None:
    """The account with this number (blanks are ignored) or this id; None if there is none."""
    if account_id := as_uuid(text):
        return Account.objects.filter(pk=account_id).first()
    return Account.objects.filter(number="".join(text.split())).first()


def as_uuid(text: str) -> UUID | None:
    try:
        return parse_uuid(text.strip())
    except ValueError:
        return None
