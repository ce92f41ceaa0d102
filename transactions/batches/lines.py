"""Lines of files of movements: CSV with a header, or JSON Lines, read as items in pieces."""

from collections.abc import Callable, Container, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO

from core.api.parsers import loads
from core.csv_records import NotCsv, read_csv, wrong_header
from core.errors import InvalidInput
from core.files import open_regular, os_errors_as_file_problem
from transactions.batches.about_holds import MEMBERS
from transactions.batches.input import COLUMNS

_NAMES = [*(column.name for column in COLUMNS), *MEMBERS]
_REQUIRED = [column.name for column in COLUMNS if column.required]
_BOOLEANS = {"true": True, "false": False}
# The longest line that an item can have, its descriptions escaped. A file without line ends must
# not fill the memory.
_LONGEST_LINE = 64 * 1024


class MovementFileError(Exception):
    """Bad lines of a file, with their errors."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Source:
    """The content of a file: `.csv` is CSV, in any case of letters; any other name JSON Lines.

    `open` returns it from its beginning, each time. Raises FileProblem or OSError.
    """

    path: Path
    open: Callable[[], BinaryIO]


def on_disk(path: Path) -> Source:
    return Source(path, partial(open_regular, path))


def in_memory(name: str, content: bytes) -> Source:
    return Source(Path(name), partial(BytesIO, content))


def has_known_ending(name: str) -> bool:
    """Whether the name tells how to read the file."""
    return Path(name).suffix.lower() in (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the items of a file, each with its first line."""

    lines: list[int]
    items: list[Any]

    def without(self, indexes: Container[int]) -> "Piece":
        """The items at other indexes."""
        left = [index for index in range(len(self.items)) if index not in indexes]
        return Piece([self.lines[one] for one in left], [self.items[one] for one in left])


def pieces(source: Source, size: int, skip: int) -> Iterator[Piece]:
    read = _csv_items if source.path.suffix.lower() == ".csv" else _json_items
    with (
        os_errors_as_file_problem(source.path, "read"),
        source.open() as file,
        closing(read(file)) as found,
    ):
        rest = islice(found, skip, None)
        while taken := list(islice(rest, size)):
            yield Piece([line for line, _ in taken], [item for _, item in taken])


def _json_items(file: IO[bytes]) -> Generator[tuple[int, Any], None, None]:
    """Each line is one JSON value, parsed as strictly as a body. Blank lines are skipped."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise MovementFileError(
                [f"Line {number}: The line is longer than {_LONGEST_LINE} bytes."]
            )
        if not line.strip():
            continue
        try:
            yield number, loads(line)
        except InvalidInput as error:
            raise MovementFileError([f"Line {number}: {error.detail}"]) from error


def _csv_items(file: BinaryIO) -> Generator[tuple[int, Any], None, None]:
    """Each record is an item. An empty cell means that the value is missing."""
    records = read_csv(file)
    try:
        _, header = next(records, (0, []))
        _check_header(header)
        for line, cells in records:
            if len(cells) != len(header):
                raise NotCsv(line, f"{len(cells)} cells, where the header has {len(header)}.")
            item: dict[str, Any] = {
                name: cell for name, cell in zip(header, cells, strict=True) if cell
            }
            if "final" in item:
                item["final"] = _BOOLEANS.get(item["final"], item["final"])
            yield line, item
    except NotCsv as error:
        raise MovementFileError([str(error)]) from error


def _check_header(header: Sequence[str]) -> None:
    """Raises NotCsv unless it has the required columns, and others of an item, in any order."""
    unknown = [name for name in header if name not in _NAMES]
    # A file of captures needs neither accounts nor amounts.
    required = ["type"] if "hold_id" in header else _REQUIRED
    if len(unknown) == len(header):
        raise wrong_header(header, _NAMES)
    told = {
        "The header has no {}.": [name for name in required if name not in header],
        "There is no column {}.": [repr(name[:50]) for name in unknown],
        "The header has {} twice.": [name for name in _NAMES if header.count(name) > 1],
    }
    if sentences := [form.format(", ".join(names)) for form, names in told.items() if names]:
        raise NotCsv(1, " ".join(sentences))
