"""Tables for people, as CSV or XLSX for spreadsheets or as PDF, written row by row.

The tables are for people, not for exchange. Texts that a spreadsheet would run as a formula are
neutralised, so that customers cannot run code on the computers of staff (CWE-1236).

The libraries of XLSX and PDF load with the first such table: together they take 20 MB, which most
web processes never need.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from core.errors import FieldError, InvalidInput
from core.formulas import neutralised
from core.heartbeat import watched
from core.large_documents import taking_place
from core.money import format_amount
from core.temporary import temporary_file

if TYPE_CHECKING:
    from xlsxwriter import Workbook

SheetCell = str | int | Decimal | datetime | None
SheetRow = Sequence[SheetCell]

# Spreadsheets use binary floating point (IEEE 754), which is exact up to this many digits.
_EXACT_DIGITS = 15
# The rows of a sheet, and the characters of a cell, in Excel.
_ROWS_OF_SHEET = 1_048_576
_CHARACTERS_OF_CELL = 32_767
# Excel needs this mark to recognise UTF-8.
_BYTE_ORDER_MARK = "\ufeff"


class SheetFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class SheetHeading:
    """What stands above a table for people: its title, when it was made, and what it is about.

    `facts` are names with their values, such as the filters of a list. `printed` are the indices of
    the columns that a PDF has, which is less wide than a spreadsheet; empty for all.
    """

    title: str
    made_at: datetime
    facts: Sequence[tuple[str, SheetCell]] = ()
    printed: Sequence[int] = ()


_CONTENT_TYPES = {
    SheetFormat.CSV: "text/csv; charset=utf-8",
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    SheetFormat.PDF: "application/pdf",
}
# The most rows of a file: as many as a person can look through, and a page can wait for.
MOST_ROWS = {SheetFormat.CSV: 50_000, SheetFormat.XLSX: 50_000, SheetFormat.PDF: 5_000}
# A column of a PDF has figures if an amount is among so many of its first cells.
_LOOKED_AT = 500


def asked_format(request: HttpRequest) -> SheetFormat:
    """The format that a link to a download names, CSV by default. Raises Http404 for another."""
    try:
        return SheetFormat(request.GET.get("format", SheetFormat.CSV))
    except ValueError as error:
        raise Http404 from error


def sheet_response(
    name: str,
    file_format: SheetFormat,
    header: SheetRow,
    rows: Iterable[SheetRow],
    heading: SheetHeading,
) -> HttpResponseBase:
    """The table as a download called `name` plus the format's extension.

    Amounts are Decimals with exactly the digits to show (`amount_cell`). CSV is the bare table,
    streamed row by row; XLSX and PDF, with the heading, are written to a temporary file first.
    Raises Busy if they have many rows, and too many long documents are under way.
    """
    content_type = _CONTENT_TYPES[file_format]
    filename = f"{name}.{file_format}"
    if file_format is not SheetFormat.CSV:
        write = xlsx_file if file_format is SheetFormat.XLSX else pdf_file
        with ExitStack() as held:
            file = write(header, taking_place(rows, held), heading)
        return FileResponse(
            file,
            as_attachment=True,
            filename=filename,
            content_type=content_type,
        )
    return StreamingHttpResponse(
        csv_lines(header, rows),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def sheet_zone(file_format: SheetFormat) -> str:
    """The name of the time zone of the file's times, for their column header."""
    return "UTC" if file_format is SheetFormat.CSV else timezone.get_current_timezone_name()


def csv_lines(header: SheetRow, rows: Iterable[SheetRow]) -> Iterator[str]:
    """The lines of the file by RFC 4180: times in ISO 8601 UTC, amounts as plain decimals."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    line.write(_BYTE_ORDER_MARK)
    for row in _with_header(header, rows):
        writer.writerow([_csv_cell(cell) for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def xlsx_file(
    header: SheetRow, rows: Iterable[SheetRow], heading: SheetHeading | None = None
) -> IO[bytes]:
    """The file, open at its start and deleted on closing. Takes the memory of one row.

    Times are in the current time zone, because a spreadsheet stores none. Amounts are numbers with
    all their digits, or text where a spreadsheet would lose a digit. With a heading, the same rows
    give the same bytes.
    """
    return temporary_file(lambda file: _write_xlsx(header, rows, heading, file))


def require_room_in_sheet(count: int, heading: SheetHeading | None = None) -> None:
    """Raises InvalidInput if an XLSX has no room for so many rows below its header and heading."""
    room = _ROWS_OF_SHEET - 1 - (_rows_above(heading) if heading else 0)
    if count > room:
        detail = f"XLSX has room for {room:,} rows, not for {count:,}. Take CSV or fewer days."
        raise InvalidInput(errors=[FieldError("format", "too_many_rows", detail)])


def _rows_above(heading: SheetHeading) -> int:
    """The title, the facts and a blank row."""
    return len(heading.facts) + 2


def _write_xlsx(
    header: SheetRow, rows: Iterable[SheetRow], heading: SheetHeading | None, file: IO[bytes]
) -> None:
    from xlsxwriter import Workbook

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(file, options) as book:
        sheet = book.add_worksheet()
        sheet.set_column(0, len(header) - 1, 22)
        formats = _Formats(book)
        first = _write_heading(sheet, formats, heading) if heading else 0
        sheet.freeze_panes(first + 1, 0)
        for index, row in enumerate(watched(_with_header(header, rows)), first):
            for column, cell in enumerate(row):
                _write_cell(sheet, formats, index, column, cell)


def pdf_file(header: SheetRow, rows: Iterable[SheetRow], heading: SheetHeading) -> IO[bytes]:
    """The file, open at its start and deleted on closing, with times in the current time zone."""
    from core.pdf.lists import PrintedList, write_list

    chosen = heading.printed or range(len(header))
    waiting = iter(rows)
    first = list(islice(waiting, _LOOKED_AT))
    printed = PrintedList(
        bank_name=settings.BANK_NAME,
        title=heading.title,
        made_at=timezone.localtime(heading.made_at),
        facts=[(name, _shown_cell(value)) for name, value in heading.facts],
        header=[str(header[column]) for column in chosen],
        figures=frozenset(
            index
            for index, column in enumerate(chosen)
            if any(isinstance(row[column], Decimal) for row in first)
        ),
    )
    shown = _shown_rows(chain(first, waiting), chosen)
    return temporary_file(lambda file: write_list(printed, shown, file))


def _shown_rows(rows: Iterable[SheetRow], chosen: Sequence[int]) -> Iterator[list[str]]:
    for row in watched(rows):
        yield [_shown_cell(row[column]) for column in chosen]


def _shown_cell(cell: SheetCell) -> str:
    """The cell as people read it: amounts with separators, times without their zone."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{timezone.localtime(cell):%Y-%m-%d %H:%M:%S}"
    return f"{cell:,f}" if isinstance(cell, Decimal) else str(cell)


def _write_heading(sheet: Any, formats: "_Formats", heading: SheetHeading) -> int:
    """Writes the lines above the table. Returns the table's row."""
    made_at = heading.made_at.astimezone(UTC).replace(tzinfo=None)
    formats.book.set_properties({"title": heading.title, "created": made_at})
    sheet.write_string(0, 0, heading.title, formats.book.add_format({"bold": True}))
    for index, (name, value) in enumerate(heading.facts, 1):
        sheet.write_string(index, 0, name)
        _write_cell(sheet, formats, index, 1, value)
    return _rows_above(heading)


def amount_cell(amount: Decimal | None, currency: str) -> Decimal | None:
    """The same amount with all digits of the currency."""
    return None if amount is None else Decimal(format_amount(amount, currency))


def _with_header(header: SheetRow, rows: Iterable[SheetRow]) -> Iterator[SheetRow]:
    yield header
    yield from rows


def _csv_cell(cell: SheetCell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return neutralised(cell) if isinstance(cell, str) else str(cell)


class _Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: "Workbook") -> None:
        self.book = book
        self.by_pattern: dict[str, Any] = {}

    def of(self, pattern: str) -> Any:
        if pattern not in self.by_pattern:
            self.by_pattern[pattern] = self.book.add_format({"num_format": pattern})
        return self.by_pattern[pattern]


def _write_cell(sheet: Any, formats: _Formats, row: int, column: int, cell: SheetCell) -> None:
    """Raises ValueError if the sheet does not take the cell whole."""
    if cell is None or cell == "":
        return
    if isinstance(cell, datetime):
        local = timezone.make_naive(cell).replace(microsecond=0)
        result = sheet.write_datetime(row, column, local, formats.of("yyyy-mm-dd hh:mm:ss"))
    elif isinstance(cell, Decimal | int):
        result = _write_number(sheet, formats, row, column, Decimal(cell))
    else:
        # A cell written as a string is never a formula.
        result = sheet.write_string(row, column, _fitting(cell))
    if result:
        raise ValueError(f"Row {row}, column {column} is outside of the sheet ({result}).")


def _write_number(sheet: Any, formats: _Formats, row: int, column: int, number: Decimal) -> int:
    _, digits, exponent = number.as_tuple()
    if len(digits) > _EXACT_DIGITS:
        return int(sheet.write_string(row, column, format(number, "f")))
    decimals = "0" * -int(exponent)
    pattern = formats.of(f"#,##0.{decimals}" if decimals else "#,##0")
    return int(sheet.write_number(row, column, float(number), pattern))


def _fitting(text: str) -> str:
    """The text, cut with an ellipsis where a cell has no room for it."""
    return text if len(text) <= _CHARACTERS_OF_CELL else f"{text[: _CHARACTERS_OF_CELL - 1]}…"
