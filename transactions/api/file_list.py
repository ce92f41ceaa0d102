"""Lists of transactions as XLSX and PDF, for people: with the filters above, and account numbers.

Amounts are numbers, times are in UTC. The file is written whole before it is sent.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.models import Account
from core import clock
from core.api.fields import rfc_3339
from core.console.sheets import (
    MOST_ROWS,
    SheetCell,
    SheetFormat,
    SheetHeading,
    SheetRow,
    sheet_response,
)
from core.errors import FieldError, InvalidInput
from core.heartbeat import heartbeat
from transactions.api.csv_list import Words, column_names, csv_response, in_columns, pages_of
from transactions.api.serializers import TransactionSerializer
from transactions.reads.lists import TransactionList
from transactions.reads.rows import TransactionRow

_AMOUNTS = ("amount", "balance_after")
_MOMENTS = ("scheduled_for", "effective_at", "created_at", "updated_at", "completed_at")
_NUMBERS = ("account_number", "target_account_number")
# The columns of a PDF, as far as a list has them.
_PRINTED = (
    "created_at", "type", "status", "direction", *_NUMBERS, "amount", "currency", "balance_after",
    "description", "failure_code", "transaction_id",
)  # fmt: skip


def list_file(  # noqa: PLR0917 - those of `csv_response`, with the format and the query
    file_format: SheetFormat,
    transactions: TransactionList,
    serializer: type[TransactionSerializer],
    words: Words,
    file_name: str,
    query: Mapping[str, Any],
) -> StreamingHttpResponse:
    """The transactions of the list, newest first: CSV by `csv_response`, or XLSX or PDF.

    Raises InvalidInput for more rows than `MOST_ROWS`.
    """
    if file_format is SheetFormat.CSV:
        return csv_response(transactions, serializer, words, file_name)
    _require_at_most(transactions, file_format)
    columns = [*column_names(serializer), *_NUMBERS]
    printed = [columns.index(name) for name in _PRINTED if name in columns]
    title = file_name.replace("-", " ").capitalize()
    heading = SheetHeading(title, clock.about_now(), _facts(query), printed)
    header = [f"{name} (UTC)" if name in _MOMENTS else name for name in columns]
    rows = _rows(transactions, words, file_format)
    with timezone.override(UTC):
        response = sheet_response(file_name, file_format, header, rows, heading)
    assert isinstance(response, StreamingHttpResponse)
    return response


def _facts(query: Mapping[str, Any]) -> list[tuple[str, SheetCell]]:
    """The filters, by their names in the API."""
    return [
        (name, rfc_3339(value) if isinstance(value, datetime) else str(value))
        for name, value in query.items()
        if name not in ("format", "idempotency_caller")
    ]


def _require_at_most(transactions: TransactionList, file_format: SheetFormat) -> None:
    """Refuses before anything is drawn, which takes far longer than to count."""
    for _ in _pages(transactions, file_format):
        heartbeat()


def _pages(
    transactions: TransactionList, file_format: SheetFormat
) -> Iterator[list[TransactionRow]]:
    left = MOST_ROWS[file_format]
    for page in pages_of(transactions):
        left -= len(page)
        if left < 0:
            detail = (
                f"{file_format.upper()} has at most {MOST_ROWS[file_format]:,} rows. Narrow the"
                " list by its filters, or take CSV."
            )
            raise InvalidInput(errors=[FieldError("format", "too_many_rows", detail)])
        yield page


def _rows(
    transactions: TransactionList, words: Words, file_format: SheetFormat
) -> Iterator[SheetRow]:
    for page in _pages(transactions, file_format):
        numbers = _numbers_of(page)
        for row in page:
            members = words(row)
            sides = (members["account_id"], members["target_account_id"])
            cells = (_cell(name, value) for name, value in in_columns(members))
            yield [*cells, *(numbers.get(side) for side in sides)]


def _numbers_of(page: list[TransactionRow]) -> dict[UUID, str]:
    ids = {side for row in page for side in (row.debit_account_id, row.credit_account_id)}
    return dict(Account.objects.filter(pk__in=ids).values_list("pk", "number"))


def _cell(name: str, value: Any) -> SheetCell:
    if value is None:
        return None
    if name in _AMOUNTS:
        return Decimal(value)
    if name in _MOMENTS:
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
