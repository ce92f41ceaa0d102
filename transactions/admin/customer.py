"""The customer's admin page, with their accounts, totals by currency and latest movements.

It replaces the page of `accounts`, which cannot import this app.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, Sum, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin.customer import CustomerAdmin
from accounts.models import Account
from accounts.permissions import CanOpenAccounts
from accounts.states import AccountStatus
from core.api.permissions import has_right
from core.console.admin import shown_amount, shown_money
from core.counts import count_of
from customers.models import Customer
from customers.states import CustomerStatus
from transactions.admin.filters import shown_statuses
from transactions.admin.note_pages import notes_section
from transactions.models import Transaction
from transactions.models.queries import SIDES
from transactions.reads.lists import READ_RIGHT, page_of_transactions, sides_of

MOST_ACCOUNTS = 20
MOST_MOVEMENTS = 10

admin.site.unregister(Customer)


@dataclass(frozen=True, slots=True)
class LatestMovement:
    """A transaction as the customer's page shows it."""

    at: datetime
    text: str
    description: str
    amount: str
    status: str
    url: str


@admin.register(Customer)
class HolderAdmin(CustomerAdmin):
    actions_detail = ("open_account", *CustomerAdmin.actions_detail)
    change_form_outer_before_template = "transactions/customer.html"

    def has_open_account_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanOpenAccounts.right, CustomerStatus.ACTIVE)

    @action(
        description="Open an account",
        url_path="open-account",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "open_account"],
    )
    def open_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        form = reverse("admin:accounts_account_open_account")
        number = self._customer(request, object_id).number
        return HttpResponseRedirect(f"{form}?{urlencode({'customer': number})}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        customer = kwargs.get("obj")
        if customer is not None:
            context |= notes_section(request, "customer", customer)
        if customer is not None and has_right(request.user, "accounts.view_account"):
            context |= _accounts_of(customer)
            if has_right(request.user, READ_RIGHT):
                context["movements"] = _movements(context["accounts"])
        return super().render_change_form(request, context, *args, **kwargs)


def _accounts_of(customer: Customer) -> dict[str, Any]:
    """The customer's newest accounts, and totals of all of them: two statements."""
    every = Account.objects.filter(customer=customer.pk)
    groups = (
        every.order_by("currency")
        .values("currency")
        .annotate(
            balance=Sum("balance"),
            accounts=Count("pk"),
            closed=Count("pk", filter=Q(status=AccountStatus.CLOSED)),
        )
    )
    totals = [
        (
            f"Total in {group['currency']}",
            shown_money(group["balance"] or Decimal(0), group["currency"]),
            _counted(group["accounts"], group["closed"]),
        )
        for group in groups
    ]
    accounts = list(every.order_by("-id")[:MOST_ACCOUNTS])
    for account in accounts:
        account.shown_balance = shown_amount(account.balance, account.currency)  # type: ignore[attr-defined]
    return {
        "figures": totals,
        "accounts": accounts,
        "is_cut": sum(group["accounts"] for group in groups) > len(accounts),
    }


def _counted(accounts: int, closed: int) -> str:
    words = count_of(accounts, "account")
    return f"{words}, {closed} closed" if closed else words


def _movements(accounts: Sequence[Account]) -> list[LatestMovement]:
    """The latest transactions of these accounts, each once. Bounded, by the accounts' indexes."""
    if not accounts:
        return []
    branches = sides_of([account.pk for account in accounts], own=None)
    found = page_of_transactions(branches, after=None, backwards=False, limit=MOST_MOVEMENTS)
    prefetch_related_objects(found, *SIDES)
    statuses = shown_statuses(found)
    return [_movement(transaction, statuses[transaction.pk]) for transaction in found]


def _movement(transaction: Transaction, status: str) -> LatestMovement:
    sides = f"{transaction.debit_account.full_name} → {transaction.credit_account.full_name}"
    return LatestMovement(
        at=transaction.created_at,
        text=f"{transaction.get_type_display()}: {sides}",
        description=transaction.description,
        amount=shown_money(transaction.amount, transaction.currency),
        status=status,
        url=reverse("admin:transactions_transaction_change", args=(transaction.pk,)),
    )
