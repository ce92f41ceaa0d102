"""The one CSV reader: its valid input, its errors, and their messages."""

import ast
import io
from pathlib import Path

import pytest
from django.conf import settings

from core.csv_records import NotCsv, check_header, is_whole, read_csv, records_of
from tests.__main__ import PACKAGES

COLUMNS = ("type", "amount")
HEADER = b"type,amount\r\n"
BOM = b"\xef\xbb\xbf"


def records(data: bytes, *, exact: bool = False, size: int | None = None) -> list[list[str]]:
    return [cells for _, cells in read_csv(io.BytesIO(data), exact=exact, size=size)]


@pytest.mark.parametrize(
    "data",
    [
        HEADER + b"a,1\r\n",
        BOM + HEADER + b"a,1\r\n",
        HEADER + b"a,1\n\n\r\n\n",
        BOM + b"type,amount\na,1",
    ],
)
def test_byte_order_mark_and_blank_lines_are_skipped(data: bytes) -> None:
    assert records(data) == [["type", "amount"], ["a", "1"]]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (BOM + HEADER, 1, "It begins with a byte order mark; remove it."),
        (HEADER + b"a,1", 2, "The last line has no end: the file was cut off."),
    ],
)
def test_an_exact_file_is_as_it_was_written(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(NotCsv) as refused:
        records(data, exact=True)
    assert (refused.value.line, refused.value.reason) == (line, reason)
    # A blank line is a record without cells, which matches no header.
    assert records(HEADER + b"\r\n", exact=True) == [["type", "amount"], []]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (HEADER + b"\r\na,1\r\n", 2, "The line is blank."),
        (HEADER + b'a,"1\r\n', 2, "Not CSV by RFC 4180: unexpected end of data."),
        (HEADER + b'a,"1"x\r\n', 2, "Not CSV by RFC 4180: ',' expected after '\"'."),
        (HEADER + b"a,1\r\n\xff,2\r\n", 3, "Not UTF-8: invalid start byte at byte 0 of the line."),
        (HEADER + b"x" * 1_000_001, 2, "The line is longer than 1,000,000 bytes."),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(NotCsv) as refused:
        records(data)
    assert (refused.value.line, refused.value.reason) == (line, reason)
    assert str(refused.value) == f"Line {line}: {reason}"


def test_a_record_has_the_number_of_its_first_line() -> None:
    data = HEADER + b'"a\r\nb",1\r\nc,2\r\n'
    assert [line for line, _ in read_csv(io.BytesIO(data))] == [1, 2, 4]
    assert records(data, size=len(data) - len(b"c,2\r\n"))[-1] == ["a\r\nb", "1"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (["type;amount"], "It has semicolons between the cells; commas are required."),
        (["type\tamount"], "It has tabs between the cells; commas are required."),
        (["a;b"], "The header is not type,amount."),
        (["amount", "type"], "The header is not type,amount."),
    ],
)
def test_a_header_of_another_separator_is_told_so(header: list[str], reason: str) -> None:
    with pytest.raises(NotCsv) as refused:
        check_header(header, COLUMNS)
    assert (refused.value.line, refused.value.reason) == (1, reason)


def test_no_other_module_reads_csv_that_comes_in() -> None:
    """The archive's check compares cells of lines that the bank itself has written."""
    readers = set()
    for app in PACKAGES:
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                    "csv.reader",
                    "csv.DictReader",
                ):
                    readers.add(path.name)
    assert readers <= {"csv_records.py", "verification.py", "archive_file.py"}


@pytest.mark.parametrize(
    ("lines", "records"),
    [
        ([], []),
        ([b"a,b\r\n", b"c,d\r\n"], [b"a,b\r\n", b"c,d\r\n"]),
        ([b'a,"one\r\n', b'two"\r\n', b"c,d\r\n"], [b'a,"one\r\ntwo"\r\n', b"c,d\r\n"]),
        ([b'a,"say ""hi"""\r\n', b"c\r\n"], [b'a,"say ""hi"""\r\n', b"c\r\n"]),
        ([b"a\r\n", b'b,"cut\r\n', b"off\r\n"], [b"a\r\n", b'b,"cut\r\noff\r\n']),
    ],
)
def test_a_record_ends_where_no_quote_is_open(lines: list[bytes], records: list[bytes]) -> None:
    assert list(records_of(lines)) == records
    assert all(is_whole(record) for record in records[:-1])


def test_a_record_that_was_cut_off_is_not_whole() -> None:
    assert is_whole(b'a,"b"\r\n')
    assert not is_whole(b'a,"b\r\n')
