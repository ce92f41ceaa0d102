"""Strict CSV reader (RFC 4180) that gives each record with the number of its first line.

All incoming files are read here. Memory holds one record, however large the file: lines and cells
have a maximum length.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

_LONGEST_LINE = 1_000_000  # bytes; the longest cell is the csv module's 131,072 characters
# Separators of spreadsheets in locales with a decimal comma.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

Record = tuple[int, list[str]]


class NotCsv(Exception):
    """A file that cannot be read any further. `line` counts from 1; 0 is the file as a whole."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"Line {line}: {reason}" if line else reason)


def read_csv(file: BinaryIO, *, size: int | None = None, exact: bool = False) -> Iterator[Record]:
    """The records, the header first. With `size` only that many bytes of the file are read.

    A byte order mark at the start, blank lines at the end and a last line without a line end are
    ignored: spreadsheets and editors write such files (RFC 4180, section 2, rule 2). `exact` is for
    files that this bank has written, and refuses all three: such a file was cut off or changed.

    Raises NotCsv for a blank line between records, invalid UTF-8, quotes that break RFC 4180, and
    lines of more than 1,000,000 bytes.
    """
    reader = csv.reader(_lines(file, size, exact=exact), strict=True)
    blank = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise NotCsv(line, f"Not CSV by RFC 4180: {error}.") from error
        if not cells and not exact:
            blank = blank or line
            continue
        if blank:
            raise NotCsv(blank, "The line is blank.")
        yield line, cells


def records_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Joins the lines of a file into records, as bytes with their line ends.

    Quotes come in pairs (RFC 4180): a record with an open quote continues in the next line. The
    last record may be cut off: see `is_whole`.
    """
    record = b""
    for line in lines:
        record += line
        if is_whole(record):
            yield record
            record = b""
    if record:
        yield record


def is_whole(record: bytes) -> bool:
    """Whether every quote is closed at the end of the record."""
    return record.count(b'"') % 2 == 0


def check_header(cells: Sequence[str], columns: Sequence[str]) -> None:
    """Raises NotCsv unless these are the columns, in this order."""
    if list(cells) != list(columns):
        raise wrong_header(cells, columns)


def wrong_header(cells: Sequence[str], columns: Sequence[str]) -> NotCsv:
    """The error for a header whose cells differ from these columns."""
    if len(cells) == 1:
        for separator, word in _OTHER_SEPARATORS.items():
            if set(cells[0].split(separator)) & set(columns) and separator in cells[0]:
                return NotCsv(1, f"It has {word} between the cells; commas are required.")
    return NotCsv(1, f"The header is not {','.join(columns)}.")


def _lines(file: BinaryIO, size: int | None, *, exact: bool) -> Iterator[str]:
    """Decoded lines with their line ends."""
    read = 0
    for number, line in enumerate(iter(partial(file.readline, _LONGEST_LINE), b""), start=1):
        read += len(line)
        if len(line) == _LONGEST_LINE:
            raise NotCsv(number, f"The line is longer than {_LONGEST_LINE:,} bytes.")
        if exact and not line.endswith(b"\n"):
            raise NotCsv(number, "The last line has no end: the file was cut off.")
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            if exact:
                raise NotCsv(1, "It begins with a byte order mark; remove it.")
            line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            reason = f"Not UTF-8: {error.reason} at byte {error.start} of the line."
            raise NotCsv(number, reason) from error
        if read == size:
            return
