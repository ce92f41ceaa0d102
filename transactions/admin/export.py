"""Exports of transactions: those that are selected, or all of the list."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core import clock
from core.api.permissions import has_right
from core.console.admin import BoundedPaginator
from core.console.list_export import ListExport
from core.console.sheets import MOST_ROWS as MOST_OF_FORMAT
from core.console.sheets import (
    SheetFormat,
    SheetHeading,
    SheetRow,
    amount_cell,
    sheet_response,
    sheet_zone,
)
from transactions.admin.filters import IS_REVERSED, shown_failure, shown_status
from transactions.models import Transaction

# The most rows that the list counts, and so lets staff select.
MOST_ROWS = BoundedPaginator.limit
_READ_AT_ONCE = 500
_READ = "transactions.view_transaction"


# The columns of a PDF: without times of processing and ids of other rows.
PRINTED = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17)


class TransactionExport(ListExport):
    """Mixin for the admin of transactions. Everyone who may read them may export them."""

    exported_as = "Transactions"
    printed_columns = PRINTED

    def export_header(self, file_format: SheetFormat) -> SheetRow:
        return header(file_format)

    def export_row(self, row: Transaction) -> SheetRow:
        return _row(row)

    def has_export_selected_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, _READ)

    @admin.action(description="Export selected as CSV", permissions=["export_selected"])
    def export_csv(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponseBase | None:
        return _export(request, queryset, SheetFormat.CSV)

    @admin.action(description="Export selected as XLSX", permissions=["export_selected"])
    def export_xlsx(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponseBase | None:
        return _export(request, queryset, SheetFormat.XLSX)

    @admin.action(description="Export selected as PDF", permissions=["export_selected"])
    def export_pdf(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponseBase | None:
        return _export(request, queryset, SheetFormat.PDF)


def _export(
    request: HttpRequest, queryset: QuerySet[Transaction], file_format: SheetFormat
) -> HttpResponseBase | None:
    """Returns the file; None leads back to the list, which shows the error."""
    most = min(MOST_ROWS, MOST_OF_FORMAT[file_format])
    ids = list(queryset.values_list("pk", flat=True)[: most + 1])
    if len(ids) > most:
        words = f"A file holds {most:,} transactions. Narrow the list by its filters first."
        messages.error(request, words)
        return None
    moment = clock.about_now()
    name = f"transactions-{moment:%Y%m%dT%H%M%SZ}"
    heading = SheetHeading("Selected transactions", moment, (), PRINTED)
    return sheet_response(name, file_format, header(file_format), _rows(ids), heading)


def header(file_format: SheetFormat) -> SheetRow:
    """The header row. It also names the time zone, by `core.console.sheets.sheet_zone`."""
    zone = sheet_zone(file_format)
    return (
        f"Made at ({zone})",
        "Type",
        "Status",
        "Debit account",
        "Debit account name",
        "Credit account",
        "Credit account name",
        "Amount",
        "Currency",
        "Description",
        "Failure",
        "Failure in detail",
        f"Completed at ({zone})",
        f"Value date ({zone})",
        "Retries",
        "Reverses",
        "Batch",
        "Transaction",
    )


def _rows(ids: Sequence[UUID]) -> Iterator[SheetRow]:
    """Yields the rows in list order. Reads some hundred at a time, while the file is written."""
    for start in range(0, len(ids), _READ_AT_ONCE):
        wanted = ids[start : start + _READ_AT_ONCE]
        rows = Transaction.objects.select_related("debit_account", "credit_account")
        found = rows.annotate(is_reversed=IS_REVERSED).in_bulk(wanted)
        yield from (_row(found[identifier]) for identifier in wanted)


def _row(transaction: Transaction) -> SheetRow:
    code = transaction.failure_code
    return (
        transaction.created_at,
        transaction.get_type_display(),
        shown_status(transaction),
        transaction.debit_account.number,
        transaction.debit_account.name,
        transaction.credit_account.number,
        transaction.credit_account.name,
        amount_cell(transaction.amount, transaction.currency),
        transaction.currency,
        transaction.description,
        f"{shown_failure(code)} ({code})" if code else None,
        transaction.failure_detail,
        transaction.completed_at,
        transaction.effective_at,
        transaction.retry_count,
        str(transaction.reverses_id) if transaction.reverses_id else None,
        str(transaction.batch_id) if transaction.batch_id else None,
        str(transaction.pk),
    )
