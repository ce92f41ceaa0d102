"""Transactions: the list, and a page for each with its entries and its timeline."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import display

from accounts.admin.filters import CurrencyFilter
from accounts.states import AccountKind
from core.console.admin import (
    EMPTY,
    ReadOnlyModelAdmin,
    link_to,
    shown_amount,
    shown_money,
    yes_or_no,
)
from core.console.admin_filters import AmountFilter, DaysById
from core.console.day_navigation import day_navigation
from core.errors import FAILURES_BY_DECISION
from transactions.admin.bulk import BulkActions
from transactions.admin.decisions import DecisionActions
from transactions.admin.entry import EntryInline
from transactions.admin.export import TransactionExport
from transactions.admin.filters import (
    IS_REVERSED,
    ApprovalFilter,
    EitherSideFilter,
    FailureFilter,
    MakerFilter,
    shown_failure,
    status_badge,
)
from transactions.admin.note_pages import notes_section
from transactions.admin.timeline import timeline
from transactions.admin.transaction_head import filled, head_of, receipt_button
from transactions.models import Transaction
from transactions.models.queries import SIDES
from transactions.reads.search import transaction_condition
from transactions.states import TransactionStatus


@admin.register(Transaction)
class TransactionAdmin(BulkActions, TransactionExport, DecisionActions, ReadOnlyModelAdmin):
    when_empty = "Nothing has been moved yet. Deposit into an account to begin."
    list_display = (
        "created_at",
        "type",
        "parties",
        "money_sum",
        "outcome",
        "description",
    )
    list_filter = (
        ("status", ChoicesRadioFilter),
        ("type", ChoicesRadioFilter),
        EitherSideFilter,
        CurrencyFilter,
        AmountFilter,
        MakerFilter,
        FailureFilter,
        ApprovalFilter,
        ("created_at", DaysById),
    )
    linked_by = ("batch",)
    list_before_template = "core/days.html"
    actions = (
        "retry_selected",
        "reverse_selected",
        "cancel_selected",
        "approve_selected",
        "reject_selected",
        "export_csv",
        "export_xlsx",
        "export_pdf",
    )
    # Shows the search box; `get_search_results` decides what is searched.
    search_fields = ("id",)
    search_help_text = "Id, account, amount or description"
    inlines = (EntryInline,)
    change_form_outer_before_template = "transactions/transaction_head.html"
    fieldsets = (
        (
            "Transaction",
            {
                "fields": (
                    ("type", "shown_status"),
                    ("debit_account", "credit_account"),
                    ("money_amount", "currency"),
                    "description",
                    ("failure", "failure_detail"),
                    ("reverses", "reversal"),
                )
            },
        ),
        (
            "Course",
            {
                "classes": ("collapse",),
                "fields": (
                    ("created_at", "created_by"),
                    ("completed_at", "effective_at"),
                    ("needs_approval", "approved_by"),
                    ("scheduled_for", "retry_count", "attempts"),
                    ("archived_at", "archive_run"),
                    ("batch", "batch_index"),
                ),
            },
        ),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "updated_at"),
                    ("debit_sequence", "money_debit_balance_after"),
                    ("credit_sequence", "money_credit_balance_after"),
                    ("address", "request_id"),
                    ("idempotency_caller", "idempotency_key"),
                    "request_fingerprint",
                    ("worker", "lease_expires_at"),
                    "lease_token",
                ),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The groups, without fields that have no value here."""
        fieldsets = super().get_fieldsets(request, obj)
        return filled(fieldsets, obj) if isinstance(obj, Transaction) else fieldsets

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).select_related(*SIDES)
        return rows.annotate(is_reversed=IS_REVERSED)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Finds ids and amounts, and those of accounts, by indexes.

        A search for words reads all rows.
        """
        if search_term.strip():
            queryset = queryset.filter(transaction_condition(search_term))
        return queryset, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        days = day_navigation(request, Transaction, "created_at")
        return super().changelist_view(request, {**(extra_context or {}), "days": days})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Shows the buttons in the page: the theme's dropdown is not keyboard-accessible."""
        context["buttons"] = context.pop("actions_detail", [])
        transaction = kwargs.get("obj")
        if transaction:
            context["buttons"] += receipt_button(transaction)
            context |= head_of(transaction, request)
            context |= notes_section(request, "transaction", transaction)
        if transaction and request.user.has_perm("transactions.view_transactionevent"):
            context["timeline"] = timeline(transaction)
            events = reverse("admin:transactions_transactionevent_changelist")
            context["events"] = f"{events}?{urlencode({'transaction': transaction.pk})}"
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Status")
    def shown_status(self, transaction: Transaction) -> SafeString:
        return status_badge(transaction)

    @display(description="Status")
    def outcome(self, transaction: Transaction) -> SafeString:
        """The status, and below it why the transaction failed."""
        code = transaction.failure_code
        reason = shown_failure(code) if code and code not in FAILURES_BY_DECISION else ""
        second = format_html('<span class="bank-second">{}</span>', reason) if reason else ""
        return format_html("{}{}", status_badge(transaction), second)

    @display(description="From, to")
    def parties(self, transaction: Transaction) -> SafeString:
        """The customers' accounts in two lines: money goes from the first to the second."""
        return format_html_join(
            "",
            '<span class="bank-party"><span class="bank-side">{} </span>{}</span>',
            (
                (word, link_to(account, account.full_name))
                for word, account in (
                    ("from", transaction.debit_account),
                    ("to", transaction.credit_account),
                )
                if account.kind == AccountKind.CUSTOMER
            ),
        )

    @display(description="Amount")
    def money_sum(self, transaction: Transaction) -> str:
        return shown_money(transaction.amount, transaction.currency)

    @display(description="Amount")
    def money_amount(self, transaction: Transaction) -> str:
        return shown_amount(transaction.amount, transaction.currency)

    @display(description="Debited account's balance after")
    def money_debit_balance_after(self, transaction: Transaction) -> str:
        return shown_amount(transaction.debit_balance_after, transaction.currency)

    @display(description="Credited account's balance after")
    def money_credit_balance_after(self, transaction: Transaction) -> str:
        return shown_amount(transaction.credit_balance_after, transaction.currency)

    @display(description="Approval required")
    def needs_approval(self, transaction: Transaction) -> str:
        return yes_or_no(transaction.approval_required)

    @display(description="Failure")
    def failure(self, transaction: Transaction) -> str:
        return shown_failure(transaction.failure_code) if transaction.failure_code else EMPTY

    @display(description="Reversed by")
    def reversal(self, transaction: Transaction) -> SafeString | str:
        reversal = transaction.reversals.exclude(status=TransactionStatus.FAILED).first()
        return link_to(reversal, str(reversal)) if reversal else EMPTY
