"""Ledger lines: an account's statement, and the two sides of a transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.models import holders
from core.console.admin import (
    IndexOrderedChangeList,
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    link_to,
    shown_amount,
)
from core.console.list_export import ListExport
from core.console.sheets import SheetFormat, SheetRow, amount_cell, sheet_zone
from transactions.admin.filters import StatementFilter
from transactions.models import Entry


class _Money:
    @display(description="Debit")
    def money_debit(self, entry: Entry) -> str:
        return shown_amount(-entry.amount, entry.currency) if entry.amount < 0 else ""

    @display(description="Credit")
    def money_credit(self, entry: Entry) -> str:
        return shown_amount(entry.amount, entry.currency) if entry.amount > 0 else ""

    @display(description="Balance after")
    def money_balance_after(self, entry: Entry) -> str:
        return shown_amount(entry.balance_after, entry.currency)


class EntryInline(_Money, ReadOnlyTabularInline):
    model = Entry
    verbose_name_plural = "Entries"
    ordering = ("-side",)
    fields = readonly_fields = (
        "account",
        "sequence",
        "money_debit",
        "money_credit",
        "money_balance_after",
        "currency",
        "posted_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("account")


class EntryChangeList(IndexOrderedChangeList):
    """Orders a customer's lines by sequence, all others as the journal.

    Both branches of the view have an index for either order. Django would append the view's own id,
    which has no index, to the ordering.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[str]:
        accounts = [spec.account for spec in self.filter_specs if isinstance(spec, StatementFilter)]
        is_numbered = any(account and account.last_sequence is not None for account in accounts)
        return ["-sequence"] if is_numbered else super().get_ordering(request, queryset)

    def _get_deterministic_ordering(self, ordering: list[str]) -> list[str]:
        return ordering


@admin.register(Entry)
class EntryAdmin(_Money, ListExport, ReadOnlyModelAdmin):
    exported_as = "Entries"
    printed_columns = range(10)
    when_empty = "Nothing has been posted yet. Deposit into an account to begin."
    list_display = (
        "posted_at",
        "of_account",
        "sequence",
        "kind_of_transaction",
        "money_debit",
        "money_credit",
        "money_balance_after",
        "currency",
        "value_date",
    )
    list_filter = (StatementFilter,)
    ordering = ("-transaction_id",)
    fieldsets = (
        (
            "Entry",
            {
                "fields": (
                    ("account", "sequence"),
                    ("side", "posted_at"),
                    ("money_amount", "money_balance_after"),
                    ("currency", "value_date"),
                    ("transaction", "id"),
                )
            },
        ),
    )

    def export_header(self, file_format: SheetFormat) -> SheetRow:
        zone = sheet_zone(file_format)
        return (
            f"Posted at ({zone})", f"Value date ({zone})", "Account", "Account name", "Sequence",
            "Type", "Debit", "Credit", "Balance after", "Currency", "Description", "Transaction",
        )  # fmt: skip

    def export_row(self, row: Entry) -> SheetRow:
        amount = amount_cell(abs(row.amount), row.currency)
        return (
            row.posted_at,
            row.transaction.effective_at,
            row.account.number,
            row.account.name,
            row.sequence,
            row.transaction.get_type_display(),
            amount if row.amount < 0 else None,
            amount if row.amount > 0 else None,
            amount_cell(row.balance_after, row.currency),
            row.currency,
            row.transaction.description,
            str(row.transaction_id),
        )

    def export_keys(self, queryset: QuerySet) -> list[tuple[UUID, str]]:
        """By transaction and side: the view's own id has no index."""
        return list(queryset.values_list("transaction_id", "side"))

    def export_rows(
        self, request: HttpRequest, keys: Sequence[tuple[UUID, str]]
    ) -> Iterator[Entry]:
        wanted = self.get_queryset(request).filter(transaction_id__in={key for key, _ in keys})
        found = {(entry.transaction_id, entry.side): entry for entry in wanted}
        yield from (found[key] for key in keys)

    @display(description="Value date")
    def value_date(self, entry: Entry) -> datetime:
        return entry.transaction.effective_at

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # Avoids a join, for which SQLite would build the whole view.
        related = (*holders("account"), "transaction")
        return super().get_queryset(request).prefetch_related(*related)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Entry | None:
        """Finds the line by its transaction, which is indexed; the view's own id is not."""
        transaction_id, _, _ = object_id.rpartition("-")
        try:
            of_transaction = self.get_queryset(request).filter(transaction_id=UUID(transaction_id))
        except ValueError:
            return None
        return of_transaction.filter(pk=object_id).first()

    @display(description="Account")
    def of_account(self, entry: Entry) -> SafeString:
        return link_to(entry.account, entry.account.in_full)

    @display(description="Transaction")
    def kind_of_transaction(self, entry: Entry) -> SafeString:
        return link_to(entry.transaction, entry.transaction.get_type_display())

    @display(description="Amount")
    def money_amount(self, entry: Entry) -> str:
        return shown_amount(entry.amount, entry.currency)
