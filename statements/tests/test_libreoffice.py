"""LibreOffice opens the files of a statement, with the same sums. Skipped where it is missing."""

import csv
import io
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from statements.documents.content import DocumentFormat
from statements.documents.render import open_document
from statements.tests.printed import ManyLines, content_of

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
# Commas, quotes and UTF-8, from the first line on.
TOKENS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        SOFFICE is None, reason="LibreOffice is not installed: nobody has opened the files with it"
    ),
]


def opened(path: Path) -> list[list[str]]:
    """The table as LibreOffice has read it."""
    assert SOFFICE is not None
    saved = path.parent / "saved"
    profile = f"-env:UserInstallation=file://{path.parent / 'profile'}"
    subprocess.run(
        [SOFFICE, profile, "--headless", "--infilter=CSV:44,34,76,1,,2057", "--convert-to", TOKENS,
         "--outdir", saved, path]
        if path.suffix == ".csv"
        else [SOFFICE, profile, "--headless", "--convert-to", TOKENS, "--outdir", saved, path],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    text = (saved / path.with_suffix(".csv").name).read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def number(cell: str) -> Decimal:
    """A number as the sheet shows it: XLSX has thousands separators."""
    return Decimal(cell.replace(",", "") or 0)


def total(rows: list[list[str]], column: int) -> Decimal:
    return sum((number(row[column]) for row in rows), Decimal(0))


@pytest.mark.parametrize("file_format", [DocumentFormat.CSV, DocumentFormat.XLSX])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_the_sums_are_the_same(file_format: DocumentFormat, currency: str, tmp_path: Path) -> None:
    content = content_of(ManyLines(200, currency), currency=currency)
    path = tmp_path / f"statement.{file_format}"
    with open_document(content, file_format) as file:
        path.write_bytes(file.read())
    rows = opened(path)
    first = next(index for index, row in enumerate(rows) if "Debit" in row)
    header, lines = rows[first], rows[first + 1 :]
    assert len(lines) == content.count
    assert total(lines, header.index("Debit")) == content.total_debits
    assert total(lines, header.index("Credit")) == content.total_credits
    assert number(lines[-1][header.index("Balance after")]) == content.closing_balance
    text = header.index("Text")
    assert lines[1][text] == "Transfer from 77 شركة النور للتجارة"
