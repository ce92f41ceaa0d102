"""Files of movements: CSV with a header, or JSON Lines, of any length, read in pieces."""

import hashlib
from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import UUID

from accounts.selectors import AccountCurrency, known_currencies
from accounts.self_dealing import refuse_self_dealing
from core import clock
from core.api.parsers import loads
from core.commands import Origin
from core.csv_records import NotCsv, read_csv, wrong_header
from core.errors import MAX_ERRORS, FieldError, IdempotencyKeyReused, InvalidInput, SelfDealing
from core.files import open_regular, os_errors_as_file_problem
from transactions.batches.input import COLUMNS, read_items
from transactions.batches.post import BatchRequest
from transactions.commands import MoneyCommand
from transactions.ledger.booking import postings_of
from transactions.ledger.idempotency import find_known

_NAMES = [column.name for column in COLUMNS]
_REQUIRED = [column.name for column in COLUMNS if column.required]
# A line, and what is wrong with it.
Problem = tuple[int, str]
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


@dataclass(frozen=True, slots=True)
class MovementFile:
    """A file that was read to its end without an error. `digest` is its SHA-256."""

    source: Source
    digest: str
    length: int

    def requests(
        self, size: int, *, skip: int, atomic: bool, key: str = ""
    ) -> Iterator[tuple[list[int], BatchRequest]]:
        """The items after the first `skip`, in pieces, each with its lines.

        An item without a key gets one made from the file's content and the item's line. So if the
        item is posted again, from this file or a copy, it is a replay. With `key` the batch of a
        piece has a key too: this text, and the number of items before the piece.
        """
        for piece in _pieces(self.source, size, skip):
            _give_keys(piece, self.digest)
            piece_key = f"{key}{skip}" if key else None
            yield piece.lines, read_items(piece.items, atomic=atomic, key=piece_key)
            skip += len(piece.items)

    def line(self, place: int) -> int:
        """The first line of the item that has so many items before it."""
        piece = next(_pieces(self.source, 1, place))
        return piece.lines[0]


def check_file(source: Source, size: int, origin: Origin) -> MovementFile:
    """Reads and checks the whole file without posting anything.

    Raises MovementFileError with up to a hundred bad lines: an invalid item, an account that does
    not exist or belongs to the requesting user, an amount that the account's currency cannot
    express, a repeated key, or, on a line with a value date, the key of another request. Raises
    FileProblem if the file cannot be read.

    The result stays valid: accounts are never deleted, and keep their currency. Only a value date
    may become too old, but not that of a posted item.
    """
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    length = 0
    with os_errors_as_file_problem(source.path, "read"), source.open() as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    now = clock.now()
    for piece in _pieces(source, size, 0):
        length += len(piece.items)
        found = (*_repeated(piece, seen), *_problems_of(piece, digest, origin, now))
        problems += sorted(found, key=itemgetter(0))
        if len(problems) >= MAX_ERRORS:
            break
    if not length:
        raise MovementFileError(["The file has no transactions."])
    if problems:
        told = [f"Line {line}: {sentence}" for line, sentence in problems[:MAX_ERRORS]]
        raise MovementFileError(told)
    return MovementFile(source, digest, length)


def _give_keys(piece: Piece, digest: str) -> None:
    for line, item in zip(piece.lines, piece.items, strict=True):
        if isinstance(item, dict) and item.get("idempotency_key") is None:
            item["idempotency_key"] = f"file:{digest[:40]}:{line}"


def _problems_of(piece: Piece, digest: str, origin: Origin, now: datetime) -> Iterator[Problem]:
    """Items that cannot be read, then what is wrong with the others."""
    has_dates = any(isinstance(item, dict) and item.get("effective_at") for item in piece.items)
    if has_dates:
        _give_keys(piece, digest)
    try:
        commands = read_items(piece.items, atomic=False).commands
    except InvalidInput as error:
        yield from (_at_line(piece, each) for each in error.errors)
        rest = piece.without({_index_of(each) for each in error.errors})
        if rest.items and len(error.errors) < MAX_ERRORS:
            yield from _problems_of(rest, digest, origin, now)
        return
    known = known_currencies({one for command in commands for one in command.account_ids()})
    unknown = dict(_unknown_accounts(commands, known))
    yield from ((piece.lines[index], sentence) for index, sentence in unknown.items())
    piece = piece.without(unknown)
    commands = [command for index, command in enumerate(commands) if index not in unknown]
    yield from _own_accounts(piece, commands, known, origin)
    try:
        # A value date may have become too old since an earlier run posted its line.
        done = find_known(commands, origin) if has_dates else {}
        for _ in postings_of(commands, known, origin, now, done):
            pass
    except IdempotencyKeyReused as error:
        yield piece.lines[error.index or 0], error.detail
    except InvalidInput as error:
        yield from (_at_line(piece, each) for each in error.errors)


def _unknown_accounts(
    commands: Sequence[MoneyCommand], known: Container[UUID]
) -> Iterator[tuple[int, str]]:
    for index, command in enumerate(commands):
        missing = [str(one) for one in command.account_ids() if one not in known]
        if missing:
            yield index, f"There is no account {' and no account '.join(missing)}."


def _own_accounts(
    piece: Piece,
    commands: Sequence[MoneyCommand],
    known: Mapping[UUID, AccountCurrency],
    origin: Origin,
) -> Iterator[Problem]:
    for line, command in zip(piece.lines, commands, strict=True):
        try:
            refuse_self_dealing([known[one] for one in command.account_ids()], origin)
        except SelfDealing as error:
            yield line, error.detail


def _at_line(piece: Piece, error: FieldError) -> Problem:
    name = error.pointer.split("/")[3:]
    detail = "An earlier line has the same key." if error.code == "repeated" else error.detail
    return piece.lines[_index_of(error)], ": ".join([*name, detail])


def _index_of(error: FieldError) -> int:
    return int(error.pointer.split("/")[2])


def _repeated(piece: Piece, seen: dict[str, int]) -> Iterator[Problem]:
    """Keys used by an earlier line of the file, except those that `read_items` reports."""
    for line, item in zip(piece.lines, piece.items, strict=True):
        key = item.get("idempotency_key") if isinstance(item, dict) else None
        if isinstance(key, str) and seen.setdefault(key, line) not in (line, *piece.lines):
            yield line, f"idempotency_key: Line {seen[key]} has the same key."


def _pieces(source: Source, size: int, skip: int) -> Iterator[Piece]:
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
            yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    except NotCsv as error:
        raise MovementFileError([str(error)]) from error


def _check_header(header: Sequence[str]) -> None:
    """Raises NotCsv unless it has the required columns, and others of an item, in any order."""
    unknown = [name for name in header if name not in _NAMES]
    if len(unknown) == len(header):
        raise wrong_header(header, _NAMES)
    told = {
        "The header has no {}.": [name for name in _REQUIRED if name not in header],
        "There is no column {}.": [repr(name[:50]) for name in unknown],
        "The header has {} twice.": [name for name in _NAMES if header.count(name) > 1],
    }
    if sentences := [form.format(", ".join(names)) for form, names in told.items() if names]:
        raise NotCsv(1, " ".join(sentences))
