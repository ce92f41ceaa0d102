"""Responses as CSV. Lists of transactions have all rows that the filters select, streamed.

The values and the rules of visibility are those of JSON, with one difference: an apostrophe
precedes a description that a spreadsheet would run as a formula (CWE-1236), because the payer
writes the text that the payee opens. JSON has the description as sent.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from core import replica
from core.api.fields import rfc_3339
from core.api.renderers import BankJSONRenderer, PDFRenderer, WrittenElsewhere, XLSXRenderer
from core.console.sheets import SheetFormat
from core.errors import FieldError, InvalidInput
from core.formulas import neutralised
from core.heartbeat import heartbeat
from transactions.api.serializers import TransactionSerializer
from transactions.reads.lists import TransactionList
from transactions.reads.rows import TransactionRow

CONTENT_TYPE = "text/csv"
_ROWS_IN_PAGE = 1000
_PAGE_PARAMETERS = ("page_size", "cursor")
# The members of `failure` have their own columns.
_FAILURE = ("code", "detail", "retryable")

# Gives the members of a row.
Words = Callable[[TransactionRow], dict[str, Any]]


class CSVRenderer(WrittenElsewhere):
    """`text/csv` and `?format=csv`; `csv_response` writes it."""

    media_type = CONTENT_TYPE
    format = "csv"
    charset = "utf-8"


LIST_RENDERERS: tuple[type[BaseRenderer], ...] = (
    BankJSONRenderer,
    CSVRenderer,
    XLSXRenderer,
    PDFRenderer,
)


def page_or_file(page: Serializer[Any]) -> dict[tuple[int, str], Any]:
    """The responses of a list as JSON or as a file, for the schema."""
    return {
        (200, "application/json"): page,
        (200, CONTENT_TYPE): OpenApiTypes.STR,
        (200, XLSXRenderer.media_type): OpenApiTypes.BINARY,
        (200, PDFRenderer.media_type): OpenApiTypes.BINARY,
    }


def csv_example(row: dict[str, Any]) -> OpenApiExample:
    """The list of this one row as CSV, for the schema."""
    return file_example(csv_text(_columns(row), [list(_cells(row))]))


def file_example(text: str) -> OpenApiExample:
    return OpenApiExample("File", value=text, response_only=True, media_type=CONTENT_TYPE)


def csv_text(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    """The rows below a header; each value is written as in JSON."""
    text = io.StringIO()
    writer = _writer(text, columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def csv_headers(file_name: str) -> dict[str, str]:
    """The headers of a response with a file of this name, without its ending."""
    return {
        "Content-Type": f"{CONTENT_TYPE}; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{file_name}.csv"',
    }


def wanted_file(request: Request) -> SheetFormat | None:
    """The file that `format` or Accept asks for; None for a page as JSON.

    Raises InvalidInput if the request also asks for a page: a file is the list as a whole.
    """
    wanted = str(request.accepted_renderer.format)
    if wanted not in tuple(SheetFormat):
        return None
    if paged := [name for name in _PAGE_PARAMETERS if name in request.query_params]:
        detail = f"{wanted.upper()} has all rows at once, and no pages."
        raise InvalidInput(
            errors=[FieldError(name, f"not_with_{wanted}", detail) for name in paged]
        )
    return SheetFormat(wanted)


def csv_response(
    transactions: TransactionList,
    serializer: type[TransactionSerializer],
    words: Words,
    file_name: str,
) -> StreamingHttpResponse:
    """The transactions of the list, newest first, in the columns of the serializer.

    `words` gives the members of a row.

    Rows are read a page at a time, from the last id on. Memory and statements are those of a page,
    however long the list, and every row committed before the request appears once. An error before
    the first page gives an ordinary error response. After a later error the connection breaks off
    without the end that HTTP requires (RFC 9112, section 8), so that a client cannot take the file
    for complete.
    """
    columns = column_names(serializer)
    pages = pages_of(transactions)
    first = next(pages)
    return StreamingHttpResponse(
        _content(chain([first], pages), columns, words),
        headers=csv_headers(file_name),
    )


def column_names(serializer: type[TransactionSerializer]) -> list[str]:
    """The serializer's members in order, `failure` spread over three columns."""
    return _columns(serializer.Meta.fields)


def _columns(names: Iterable[str]) -> list[str]:
    return [name for name, _ in in_columns(dict.fromkeys(names))]


def in_columns(members: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The columns of the members with their values."""
    for name, value in members.items():
        if name == "failure":
            failure = value or {}
            yield from ((f"failure_{member}", failure.get(member)) for member in _FAILURE)
        else:
            yield name, value


def pages_of(transactions: TransactionList) -> Iterator[list[TransactionRow]]:
    """Yields at least one page; the last one is shorter than the others."""
    after: UUID | None = None
    while True:
        read = partial(transactions.page, after=after, backwards=False, limit=_ROWS_IN_PAGE)
        page = replica.read(read)
        yield page
        if len(page) < _ROWS_IN_PAGE:
            return
        after = page[-1].id


def _content(
    pages: Iterable[list[TransactionRow]],
    columns: list[str],
    words: Words,
) -> Iterator[bytes]:
    text = io.StringIO()
    writer = _writer(text, columns)
    for page in pages:
        for row in page:
            writer.writerow(_cells(words(row)))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
        heartbeat()


def _writer(text: io.StringIO, columns: Iterable[str]) -> Any:
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    return writer


def _cells(row: dict[str, Any]) -> Iterator[str]:
    for name, value in in_columns(row):
        yield neutralised(_cell(value)) if name == "description" else _cell(value)


def _cell(value: Any) -> str:
    """The value as in JSON; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc_3339(value)
    return str(value)
