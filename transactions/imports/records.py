"""Reads the records of imported files, and collects their problems."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from core.csv_records import NotCsv, Record, check_header, read_csv
from core.files import open_regular
from transactions.imports.problems import ImportFileError, ImportProblem, Problems


def read_header(path: Path) -> list[str]:
    """The column names. Raises ImportFileError if there is no readable first line."""
    with open_regular(path) as file:
        return _next(path.name, read_csv(file))[1]


def read_records(
    path: Path,
    columns: Sequence[str],
    problems: Problems,
    *,
    size: int | None = None,
    exact: bool = False,
) -> Iterator[Record]:
    """The records after the header, each with its first line: as many cells as there are `columns`.

    With `size` only that many bytes of the file are read. A record with more or fewer cells is a
    problem, and left out. Raises ImportFileError for a missing file, a header other than `columns`,
    and everything that `read_csv` refuses.
    """
    with _opened(path) as file:
        records = read_csv(file, size=size, exact=exact)
        _, header = _next(path.name, records)
        try:
            check_header(header, columns)
            for line, cells in records:
                if len(cells) != len(columns):
                    reason = f"{len(cells)} cells, where the header has {len(columns)}."
                    problems.add(ImportProblem(path.name, line, "", reason))
                else:
                    yield line, cells
        except NotCsv as error:
            raise ImportFileError(ImportProblem(path.name, error.line, "", error.reason)) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise ImportFileError(ImportProblem(path.name, 0, "", "The file is missing.")) from None


def _next(name: str, records: Iterator[Record]) -> Record:
    try:
        return next(records)
    except NotCsv as error:
        raise ImportFileError(ImportProblem(name, error.line, "", error.reason)) from error
    except StopIteration:
        reason = "The file is empty; a header is required."
        raise ImportFileError(ImportProblem(name, 0, "", reason)) from None
