"""Files for spreadsheets: they lose nothing, and run no text of a customer as a formula."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from core.console.sheets import (
    SheetFormat,
    SheetHeading,
    amount_cell,
    csv_lines,
    pdf_file,
    require_room_in_sheet,
    sheet_response,
    xlsx_file,
)
from core.errors import InvalidInput

AT = datetime(2026, 3, 1, 23, 30, 5, 250000, tzinfo=timezone(timedelta(hours=2)))
HEADER = ("Time", "Text", "Amount", "Lines")
HEADING = SheetHeading(
    "Movements", AT, [("Status", "Failed"), ("Least", Decimal("1234.50"))], printed=(0, 2, 1)
)
WITHIN = ["Rent;=1+1", 'Rent;"=1+1', "Rent; \t+1", "Rent\n-1", "Rent\t@SUM(A1)", "a;b\r=1"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


def sheet_of(rows: list[Any]) -> tuple[str, str]:
    """The cells and the styles of the file, as XML."""
    with xlsx_file(HEADER, rows) as file, zipfile.ZipFile(file) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        return sheet, parts.read("xl/styles.xml").decode()


def test_csv_is_rfc_4180_with_a_byte_order_mark() -> None:
    rows = [(AT, 'Rent, "March"\nZoë', Decimal("-1234.50"), 7), (None, "", None, 0)]
    assert "".join(csv_lines(HEADER, rows)) == (
        "\ufeffTime,Text,Amount,Lines\r\n"
        '2026-03-01T21:30:05.250000Z,"Rent, ""March""\nZoë",-1234.50,7\r\n'
        ",,,0\r\n"
    )


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_csv(text: str) -> None:
    (_, line) = csv_lines(("Text",), [(text,)])
    assert line.strip('"\r\n').startswith("'" + text[0])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("text", FORMULAS + WITHIN)
def test_no_part_of_a_text_is_a_formula_with_another_separator(text: str, separator: str) -> None:
    lines = "".join(csv_lines(("Text",), [(f"x {text}",), (text,)]))
    by_quotes = csv.reader(io.StringIO(lines, newline=""), delimiter=separator)
    plain = re.split(rf"[{separator}\r\n]", lines)
    for cell in [*(cell for row in by_quotes for cell in row), *plain]:
        assert not re.match(r'["\s]*[=+@-]', cell)


@pytest.mark.parametrize("text", ["a-b; c = d", "x=1", "Rent, -5 off", "a; (b) + c", ";", "e@f.g"])
def test_other_texts_stay_as_they_are_in_csv(text: str) -> None:
    (_, line) = csv_lines(("Text",), [(text,)])
    assert line.strip('"\r\n') == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_xlsx(text: str) -> None:
    sheet, _ = sheet_of([(None, text, None, None)])
    assert "<f>" not in sheet
    assert 'r="B2" t="inlineStr"' in sheet


def test_what_was_written_stays_as_it_is_in_xlsx() -> None:
    sheet, _ = sheet_of([(None, "http://bank.example/ <b>", None, None)])
    assert "<t>http://bank.example/ &lt;b&gt;</t>" in sheet
    assert "hyperlink" not in sheet


def test_amounts_are_numbers_with_the_currency_s_digits() -> None:
    amounts = [(Decimal("1234567.5"), "USD"), (Decimal(-12), "JPY"), (Decimal("0.125"), "BHD")]
    rows = [(None, "", amount_cell(*amount), 3) for amount in amounts]
    sheet, styles = sheet_of(rows)
    values = [re.search(rf'r="C{n}"[^>]*><v>([^<]*)<', sheet) for n in (2, 3, 4)]
    assert [found and found.group(1) for found in values] == ["1234567.5", "-12", "0.125"]
    assert set(re.findall(r'formatCode="([^"]+)"', styles)) == {"#,##0", "#,##0.00", "#,##0.000"}


@pytest.mark.parametrize("cell", ["x", 7, Decimal("12345678901234.56"), AT], ids=str)
def test_no_cell_is_lost_where_the_sheet_ends(cell: Any) -> None:
    xlsx_file(HEADER, [["x"] * 16_383 + [cell]]).close()
    with pytest.raises(ValueError, match="Row 1, column 16384 is outside"):
        xlsx_file(HEADER, [["x"] * 16_384 + [cell]])


def test_a_sheet_has_room_for_its_heading_too() -> None:
    require_room_in_sheet(1_048_575)
    require_room_in_sheet(1_048_571, HEADING)
    for count, heading in [(1_048_576, None), (1_048_572, HEADING)]:
        with pytest.raises(InvalidInput) as caught:
            require_room_in_sheet(count, heading)
        assert [one.code for one in caught.value.errors] == ["too_many_rows"]


def test_a_text_too_long_for_a_cell_ends_with_an_ellipsis() -> None:
    texts = ["x" * 32_767, "x" * 32_768]
    with xlsx_file(HEADER, [[text] for text in texts]) as file:
        (_, whole, cut) = load_workbook(file).active.iter_rows(max_col=1, values_only=True)
    assert whole == (texts[0],)
    assert cut == ("x" * 32_766 + "…",)


def test_an_amount_beyond_binary_floating_point_is_text() -> None:
    sheet, _ = sheet_of([(None, "", Decimal("12345678901234.56"), 1)])
    assert "<t>12345678901234.56</t>" in sheet


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_times_in_xlsx_are_those_of_the_current_zone() -> None:
    sheet, _ = sheet_of([(AT, "", None, None)])
    found = re.search(r'r="A2"[^>]*><v>([^<]*)<', sheet)
    assert found is not None
    shown = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=float(found.group(1)))
    assert f"{shown + timedelta(milliseconds=1):%Y-%m-%d %H:%M:%S}" == "2026-03-02 06:30:05"


@pytest.mark.django_db  # Closing the response also closes old database connections.
@pytest.mark.parametrize("file_format", SheetFormat)
def test_the_answer_is_a_file_to_save(file_format: SheetFormat) -> None:
    rows = [(AT, "x", None, 1)]
    response: Any = sheet_response("statement", file_format, HEADER, rows, HEADING)
    body = b"".join(response.streaming_content)
    assert response["Content-Disposition"] == f'attachment; filename="statement.{file_format}"'
    assert body.startswith(
        {"csv": "\ufeffTime".encode(), "xlsx": b"PK", "pdf": b"%PDF"}[file_format]
    )
    response.close()


def test_xlsx_has_the_heading_above_its_table() -> None:
    with xlsx_file(HEADER, [(AT, "x", Decimal("2.50"), 1)], HEADING) as file:
        sheet = load_workbook(file).active
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[:2] for row in rows[:3]] == [
        ("Movements", None),
        ("Status", "Failed"),
        ("Least", 1234.5),
    ]
    assert rows[4] == HEADER
    assert rows[5][1:] == ("x", 2.5, 1)
    assert sheet.freeze_panes == "A6"


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_a_pdf_has_the_heading_and_the_chosen_columns() -> None:
    rows = [(AT, "first", Decimal("1234.50"), 7), (None, "second", None, 8)]
    with pdf_file(HEADER, rows, HEADING) as file:
        (page,) = PdfDocument(file.read())
    lines = page.get_textpage().get_text_range().splitlines()
    assert lines == [
        "Bank",
        "Movements",
        "Made at 2026-03-02 06:30:05 JST",
        "Status Failed",
        "Least 1,234.50",
        "Time Amount Text",
        "2026-03-02 06:30:05 1,234.50 first",
        "second",
        "Movements Page 1 of 1",
    ]


def test_a_pdf_of_no_rows_says_so() -> None:
    with pdf_file(HEADER, [], HEADING) as file:
        (page,) = PdfDocument(file.read())
    assert "Nothing." in page.get_textpage().get_text_range()


@pytest.mark.parametrize("write", [xlsx_file, pdf_file])
def test_files_with_a_heading_have_the_same_bytes_each_time(write: Any) -> None:
    rows = [(AT, "x", Decimal("2.50"), 1)] * 700
    files = []
    for _ in range(2):
        with write(HEADER, rows, HEADING) as file:
            files.append(file.read())
    assert files[0] == files[1]


def test_a_pdf_fits_wide_tables_on_its_pages() -> None:
    header = [f"Column {number}" for number in range(14)]
    rows = [["words that go on and on, " * 8] * 14] * 40
    with pdf_file(header, rows, SheetHeading("Wide", AT)) as file:
        document = PdfDocument(file.read())
    for page in document:
        text = page.get_textpage()
        boxes = [text.get_charbox(index) for index in range(text.count_chars())]
        assert max(box[2] for box in boxes) <= page.get_width() - 35


def broken() -> Iterator[Any]:
    yield (AT, "x", None, 1)
    raise ConnectionError("The database went away.")


@pytest.mark.parametrize("write", [xlsx_file, pdf_file])
def test_an_error_on_the_way_leaves_no_file(write: Any) -> None:
    with pytest.raises(ConnectionError):
        write(HEADER, broken(), HEADING)
