"""CSV and XLSX of a statement: exact, with the same sums, and without formulas."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from core.errors import InvalidInput
from statements.documents.content import DocumentFormat, StatementContent
from statements.documents.render import open_document
from statements.tests.printed import ManyLines, content_of


def csv_rows(content: StatementContent) -> list[dict[str, str]]:
    with open_document(content, DocumentFormat.CSV) as file:
        return list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))


def xlsx_rows(content: StatementContent) -> list[tuple[Any, ...]]:
    with open_document(content, DocumentFormat.XLSX) as file:
        return list(load_workbook(file).active.iter_rows(values_only=True))


def under_header(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    first = next(index for index, row in enumerate(rows) if "Debit" in row)
    return [dict(zip(rows[first], row, strict=True)) for row in rows[first + 1 :]]


def total(values: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(value)) for value in values if value), Decimal(0))


@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_both_have_the_sums_of_the_statement(currency: str) -> None:
    content = content_of(ManyLines(300, currency), currency=currency)
    for rows in (csv_rows(content), under_header(xlsx_rows(content))):
        assert len(rows) == content.count
        assert total(row["Debit"] for row in rows) == content.total_debits
        assert total(row["Credit"] for row in rows) == content.total_credits
        assert total([rows[-1]["Balance after"]]) == content.closing_balance


def test_csv_has_a_line_for_each_entry() -> None:
    content = content_of(ManyLines(4))
    (_, second, *_) = csv_rows(content)
    assert second == {
        "Posted at (UTC)": "2026-10-13T09:36:00Z",
        "Value date (UTC)": "2026-10-13T09:36:00Z",
        "Type": "WITHDRAW",
        "Text": "Transfer from 77 شركة النور للتجارة",
        "Description": "إيجار شهر أكتوبر",
        "Debit": "",
        "Credit": "19.55",
        "Balance after": "129.33",
        "Currency": "EUR",
        "Other account": "",
        "Other account name": "",
        "Earlier value date": "",
        "Reverses": "",
        "Reversed by": "",
        "Sequence": "14",
        "Transaction": "00000000-0000-0000-0000-000000000002",
    }


def test_xlsx_has_the_statement_above_its_table() -> None:
    content = content_of(ManyLines(2), overdraft_limit=Decimal(500))
    rows = xlsx_rows(content)
    facts = {row[0]: row[1] for row in rows[1:14]}
    assert rows[0][0] == "Statement No. 3"
    assert facts["Account"] == "1000000471"
    assert facts["Period"] == "2026-10-01 to 2026-10-31 (UTC)"
    assert facts["Closing balance"] == float(content.closing_balance)
    assert facts["Overdraft limit"] == 500
    assert facts["Digest"] == content.digest


def test_times_in_xlsx_are_those_of_the_statement() -> None:
    content = content_of(ManyLines(1), time_zone=ZoneInfo("Asia/Tokyo"))
    (row,) = under_header(xlsx_rows(content))
    assert str(row["Posted at (Asia/Tokyo)"]) == "2026-10-16 21:00:00"


@pytest.mark.parametrize("amount", ["99999999999.99", "12345678901234.56"])
def test_no_digit_is_lost(amount: str) -> None:
    (line,) = ManyLines(1)
    line = replace(line, credit=Decimal(amount), balance_after=Decimal(100) + Decimal(amount))
    content = content_of([line])
    (row,) = under_header(xlsx_rows(content))
    assert Decimal(str(row["Credit"])) == Decimal(amount)
    assert Decimal(str(row["Balance after"])) == content.closing_balance


def test_a_text_is_never_a_formula() -> None:
    (line,) = ManyLines(1)
    content = content_of([replace(line, description="=1+1", text="@SUM(A1)")])
    (row,) = csv_rows(content)
    assert (row["Description"], row["Text"]) == ("'=1+1", "'@SUM(A1)")
    with open_document(content, DocumentFormat.XLSX) as file:
        cells = [cell for row in load_workbook(file).active.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "=1+1" in [cell.value for cell in cells]


def test_no_entry_is_left_out_of_a_full_sheet() -> None:
    content = replace(content_of(ManyLines(1)), count=1_048_576)
    with pytest.raises(InvalidInput) as caught:
        open_document(content, DocumentFormat.XLSX)
    assert [one.code for one in caught.value.errors] == ["too_many_rows"]
