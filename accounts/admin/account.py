"""Admin pages of accounts: the list, and a page for each account."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from accounts.admin.account_event import AccountEventInline
from accounts.admin.buttons import (
    blocked_in_words,
    split_buttons,
    why_not_closed,
)
from accounts.admin.filters import (
    CurrencyFilter,
    KindFilter,
    ShownStatusFilter,
    account_named,
)
from accounts.admin.limit_buttons import LimitButtons, limits_in_words
from accounts.models import HOLDER, Account
from accounts.search import account_condition_anywhere
from accounts.states import AccountKind, ShownStatus
from accounts.words import AccountWord
from core.api.permissions import has_right
from core.console.admin import ReadOnlyModelAdmin, badge, shown_amount, shown_money
from core.console.list_export import ListExport
from core.console.sheets import SheetFormat, SheetRow, amount_cell, sheet_zone
from core.currency_names import currency_in_words
from customers.selectors import READ_RIGHT

STATUS_COLOURS = {
    ShownStatus.ACTIVE.label: "success",
    ShownStatus.FROZEN.label: "warning",
    ShownStatus.CLOSED.label: "danger",
}


@admin.register(Account)
class AccountAdmin(LimitButtons, ListExport, ReadOnlyModelAdmin):
    exported_as = "Accounts"
    printed_columns = range(10)
    when_empty = "No account has been opened yet. Open the first one with the button above."
    list_display = (
        "number",
        "holder",
        "name",
        "shown_status",
        "money_balance",
        "money_available",
        "created_at",
    )
    list_filter = (ShownStatusFilter, KindFilter, CurrencyFilter)
    list_display_links = ("number", "name")
    linked_by = ("owner",)
    sortable_by = ("name", "money_balance")
    # Enables the search box; `get_search_results` does the search.
    search_fields = ("number",)
    words = AccountWord
    search_help_text = "Number, name, customer, owner or id"
    # The buttons in their order on the page, where `render_change_form` puts them.
    actions_detail: tuple[str, ...] = (
        "transactions",
        "entries",
        "rename",
        "give_customer",
        "freeze",
        "unfreeze",
        "release_debits",
        "overdraft_limit",
        "limits",
        "reopen",
        "close",
    )
    change_form_outer_before_template = "accounts/head.html"
    inlines = (AccountEventInline,)
    # Above these fields, `render_change_form` shows the main figures in large type.
    fieldsets = (
        (
            "Account",
            {
                "fields": (
                    ("number", "name"),
                    ("customer", "owner"),
                    ("kind", "code"),
                    "named_currency",
                    ("created_at", "last_posted_at"),
                )
            },
        ),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "updated_at"),
                    ("shown_status", "blocked"),
                    ("broken_rules", "debits_held"),
                    ("money_balance", "money_available"),
                    ("money_overdraft_limit", "money_held"),
                    "payment_limits",
                    "last_sequence",
                    "metadata",
                    ("idempotency_caller", "idempotency_key"),
                    "request_fingerprint",
                ),
            },
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By indexes; reads all names only if no name has words that begin like this."""
        if search_term.strip():
            queryset = queryset.filter(account_condition_anywhere(search_term))
        return queryset, False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related(*HOLDER)

    def export_header(self, file_format: SheetFormat) -> SheetRow:
        zone = sheet_zone(file_format)
        return (
            "Number", "Name", "Status", "Balance", "Available balance", "Overdraft limit",
            "Currency", "Customer", "Owner", f"Opened at ({zone})", f"Last posting ({zone})",
            "Account",
        )  # fmt: skip

    def export_row(self, row: Account) -> SheetRow:
        amounts = (row.balance, row.available_balance, row.overdraft_limit)
        return (
            row.number,
            row.name,
            row.shown_status.label,
            *(amount_cell(amount, row.currency) for amount in amounts),
            row.currency,
            row.customer.name if row.customer else None,
            row.owner.get_username() if row.owner else None,
            row.created_at,
            row.last_posted_at,
            str(row.pk),
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Puts the buttons on the page itself: the theme's dropdown is not keyboard-accessible."""
        buttons = context.pop("actions_detail", [])
        if account := kwargs.get("obj"):
            context["figures"] = _figures(account)
            if account.customer and has_right(request.user, READ_RIGHT):
                context["customer_page"] = reverse(
                    "admin:customers_customer_change", args=(account.customer_id,)
                )
            context |= split_buttons(buttons)
            if self.has_manage_permission(request, str(account.pk)):
                context["more_note"] = why_not_closed(account)
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Customer")
    def holder(self, account: Account) -> str:
        return account.holder

    @display(description="Status")
    def shown_status(self, account: Account) -> SafeString:
        return badge(account.shown_status.label, STATUS_COLOURS)

    @display(description="Blocked")
    def blocked(self, account: Account) -> str:
        return blocked_in_words(account)

    @display(description="Currency")
    def named_currency(self, account: Account) -> str:
        return currency_in_words(account.currency)

    @display(description="Balance", ordering="balance")
    def money_balance(self, account: Account) -> str:
        return shown_money(account.balance, account.currency)

    @display(description="Available balance")
    def money_available(self, account: Account) -> str:
        return shown_money(account.available_balance, account.currency)

    @display(description="Held")
    def money_held(self, account: Account) -> str:
        return shown_amount(account.held, account.currency)

    @display(description="Overdraft limit")
    def money_overdraft_limit(self, account: Account) -> str:
        return shown_amount(account.overdraft_limit, account.currency)

    @display(description="Payment limits")
    def payment_limits(self, account: Account) -> str:
        return limits_in_words(account)

    # The two names are not those of permissions: unfold's system check looks a permission up in the
    # database, where none exists before the first `migrate`.
    def has_view_transactions_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return request.user.has_perm("transactions.view_transaction")

    def has_view_entries_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return request.user.has_perm("transactions.view_entry")

    @action(
        description="Transactions", icon="swap_horiz", permissions=["view", "view_transactions"]
    )
    def transactions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._rows_of(object_id, "transaction")

    @action(description="Entries", icon="menu_book", permissions=["view", "view_entries"])
    def entries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._rows_of(object_id, "entry")

    def _rows_of(self, account_id: str, model: str) -> HttpResponse:
        account = account_named(account_id)
        if account is None:
            raise Http404
        # Finds the page by its name, because `accounts` may not import the apps above it.
        page = reverse(f"admin:transactions_{model}_changelist")
        return redirect(f"{page}?{urlencode({'account': account.number})}")


def _figures(account: Account) -> list[tuple[str, str, str]]:
    """The account's balances and status: label, figure, note."""
    blocked = "" if account.kind == AccountKind.INTERNAL else blocked_in_words(account)
    if account.is_closed:
        blocked = "Closed."
    figures = [("Status", account.shown_status.label, blocked)]
    if account.balance is not None:
        amounts = {
            "Balance": account.balance,
            "Available balance": account.available_balance,
            "Overdraft limit": account.overdraft_limit,
            **({"Held": account.held} if account.held else {}),
        }
        figures = [
            (words, shown_money(amount, account.currency), "") for words, amount in amounts.items()
        ] + figures
    return figures
