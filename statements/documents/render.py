"""Writes a statement in each format. The same content gives the same bytes at any time."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import IO

from core.heartbeat import watched
from core.temporary import temporary_file
from statements.documents.camt import write_camt
from statements.documents.content import DocumentFormat, StatementContent
from statements.documents.json_form import write_json
from statements.documents.tables import open_xlsx, write_csv
from statements.documents.words import days_of


def _write_pdf(content: StatementContent, file: IO[bytes]) -> None:
    from statements.documents.pdf import write_pdf  # With a library of 12 MB: see `sheets`.

    write_pdf(content, file)


CONTENT_TYPES = {
    DocumentFormat.PDF: "application/pdf",
    DocumentFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    DocumentFormat.CSV: "text/csv",
    DocumentFormat.JSON: "application/json",
    DocumentFormat.CAMT: "application/xml",
}
_WRITERS: dict[DocumentFormat, Callable[[StatementContent, IO[bytes]], None]] = {
    DocumentFormat.PDF: _write_pdf,
    DocumentFormat.CSV: write_csv,
    DocumentFormat.JSON: write_json,
    DocumentFormat.CAMT: write_camt,
}


def open_document(content: StatementContent, file_format: DocumentFormat) -> IO[bytes]:
    """A temporary file with the whole document, at its start; it goes when it is closed."""
    content = replace(content, lines=watched(content.lines))
    if file_format is DocumentFormat.XLSX:
        return open_xlsx(content)
    return temporary_file(partial(_WRITERS[file_format], content))


def file_name(content: StatementContent, file_format: DocumentFormat) -> str:
    """Such as "statement-4711-3.pdf"; an interim one has its first and last day instead."""
    name = str(content.number)
    if content.is_interim:
        first, last = days_of(content)
        name = f"{first:%Y%m%d}-{last:%Y%m%d}"
    extension = "xml" if file_format is DocumentFormat.CAMT else file_format
    return f"statement-{content.account_number}-{name}.{extension}"
