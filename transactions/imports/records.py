"""Records of a CSV file (RFC 4180), read strictly and with the line that each begins in.

Memory holds one record, whatever the file holds: a line and a cell have a longest length.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from transactions.imports.problems import BadFile, Problem, Problems

_LONGEST_LINE = 1_000_000  # bytes; the longest cell is the csv module's 131,072 characters

Record = tuple[int, list[str]]


def read_header(path: Path) -> list[str]:
    """The names of the columns. Raises BadFile if there is no readable first line."""
    with path.open("rb") as file:
        for _, cells in _records(path.name, file):
            return cells
    raise BadFile(Problem(path.name, 0, "", "The file is empty; a header is required."))


def read_records(
    path: Path, columns: Sequence[str], problems: Problems, *, size: int | None = None
) -> Iterator[Record]:
    """The records after the header, each with its first line: as many cells as there are `columns`.

    With `size` only that many bytes of the file are read.

    A record with more or fewer cells is a problem, and left out. Raises BadFile for a header other
    than `columns`, what is not UTF-8 or begins with a byte order mark, quotes that are not RFC
    4180's, and a last line without its end, which is how a file looks that was cut off.
    """
    with _opened(path) as file:
        records = _records(path.name, file, size)
        _require_header(path.name, next(records, None), columns)
        for line, cells in records:
            if len(cells) != len(columns):
                reason = f"{len(cells)} cells, where the header has {len(columns)}."
                problems.add(Problem(path.name, line, "", reason))
            else:
                yield line, cells


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise BadFile(Problem(path.name, 0, "", "The file is missing.")) from None


def _require_header(name: str, header: Record | None, columns: Sequence[str]) -> None:
    if header is None:
        raise BadFile(Problem(name, 0, "", "The file is empty; a header is required."))
    if header[1] != list(columns):
        reason = f"The header is not {','.join(columns)}."
        raise BadFile(Problem(name, 1, "", reason))


def _records(name: str, file: BinaryIO, size: int | None = None) -> Iterator[Record]:
    reader = csv.reader(_lines(name, file, size), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(Problem(name, line, "", f"Not CSV by RFC 4180: {error}.")) from error
        yield line, cells


def _lines(name: str, file: BinaryIO, size: int | None) -> Iterator[str]:
    """Decoded lines with their ends."""
    read = 0
    for number, line in enumerate(iter(partial(file.readline, _LONGEST_LINE), b""), start=1):
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            raise BadFile(Problem(name, 1, "", "It begins with a byte order mark; remove it."))
        if not line.endswith(b"\n"):
            reason = (
                f"The line is longer than {_LONGEST_LINE:,} bytes."
                if len(line) == _LONGEST_LINE
                else "The last line has no end: the file was cut off."
            )
            raise BadFile(Problem(name, number, "", reason))
        read += len(line)
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            reason = f"Not UTF-8: {error.reason} at byte {error.start} of the line."
            raise BadFile(Problem(name, number, "", reason)) from error
        if read == size:
            return
