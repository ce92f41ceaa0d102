"""Files of movements: CSV with a header, or JSON Lines, of any length, read in pieces."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO

from accounts.selectors import AccountCurrency, currencies_of
from accounts.self_dealing import refuse_self_dealing
from core import clock
from core.api.parsers import loads
from core.commands import Origin
from core.csv_records import NotCsv, read_csv, wrong_header
from core.errors import MAX_ERRORS, FieldError, InvalidInput, NotFound, SelfDealing
from core.files import open_regular, os_errors_as_file_problem
from transactions.batches.input import COLUMNS, read_items
from transactions.batches.post import BatchRequest
from transactions.ledger.booking import postings_of
from transactions.ledger.idempotency import find_known

_NAMES = [column.name for column in COLUMNS]
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
    """The content of a file: `.csv` is CSV, any other name JSON Lines.

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
    return name.endswith((".csv", ".jsonl"))


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the items of a file, each with its first line."""

    lines: list[int]
    items: list[Any]


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


def check_file(source: Source, size: int, origin: Origin) -> MovementFile:
    """Reads and checks the whole file without posting anything.

    Raises MovementFileError with up to a hundred bad lines: an invalid item, an account that does
    not exist or belongs to the requesting user, an amount that the account's currency cannot
    express, or a repeated key. Invalid items of a piece hide wrong values in its other items.
    Raises FileProblem if the file cannot be read, and IdempotencyKeyReused if a line with a value
    date has a key that belongs to another request.

    The result stays valid: accounts are never deleted, and keep their currency. Only a value date
    may become too old, but not that of a posted item.
    """
    problems: list[str] = []
    seen: dict[str, int] = {}
    length = 0
    with os_errors_as_file_problem(source.path, "read"), source.open() as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    now = clock.now()
    for piece in _pieces(source, size, 0):
        length += len(piece.items)
        problems += _repeated(piece, seen)
        problems += _problems_of(piece, digest, origin, now)
        if len(problems) >= MAX_ERRORS:
            break
    if not length:
        problems.append("The file has no transactions.")
    if problems:
        raise MovementFileError(problems[:MAX_ERRORS])
    return MovementFile(source, digest, length)


def _give_keys(piece: Piece, digest: str) -> None:
    for line, item in zip(piece.lines, piece.items, strict=True):
        if isinstance(item, dict) and item.get("idempotency_key") is None:
            item["idempotency_key"] = f"file:{digest[:40]}:{line}"


def _problems_of(piece: Piece, digest: str, origin: Origin, now: datetime) -> Iterator[str]:
    has_dates = any(isinstance(item, dict) and item.get("effective_at") for item in piece.items)
    if has_dates:
        _give_keys(piece, digest)
    try:
        commands = read_items(piece.items, atomic=False).commands
        wanted = {account_id for command in commands for account_id in command.account_ids()}
        try:
            known: dict[Any, AccountCurrency] = currencies_of(wanted)
        except NotFound as error:
            yield _unknown_account(piece, commands, error)
            return
        yield from _own_accounts(piece, commands, known, origin)
        # A value date may have become too old since an earlier run posted its line.
        done = find_known(commands, origin) if has_dates else {}
        for _ in postings_of(commands, known, origin, now, done):
            pass
    except InvalidInput as error:
        for each in error.errors:
            yield _at_line(piece, each)


def _unknown_account(piece: Piece, commands: Sequence[Any], error: NotFound) -> str:
    for line, command in zip(piece.lines, commands, strict=True):
        for account_id in command.account_ids():
            if str(account_id) in error.detail:
                return f"Line {line}: {error.detail}"
    return error.detail


def _own_accounts(
    piece: Piece, commands: Sequence[Any], known: dict[Any, AccountCurrency], origin: Origin
) -> Iterator[str]:
    for line, command in zip(piece.lines, commands, strict=True):
        try:
            refuse_self_dealing([known[one] for one in command.account_ids()], origin)
        except SelfDealing as error:
            yield f"Line {line}: {error.detail}"


def _at_line(piece: Piece, error: FieldError) -> str:
    _, _, index, *name = error.pointer.split("/")
    detail = "An earlier line has the same key." if error.code == "repeated" else error.detail
    return ": ".join([f"Line {piece.lines[int(index)]}", *name, detail])


def _repeated(piece: Piece, seen: dict[str, int]) -> Iterator[str]:
    """Keys used by an earlier line of the file, except those that `read_items` reports."""
    for line, item in zip(piece.lines, piece.items, strict=True):
        key = item.get("idempotency_key") if isinstance(item, dict) else None
        if isinstance(key, str) and seen.setdefault(key, line) not in (line, *piece.lines):
            yield f"Line {line}: idempotency_key: Line {seen[key]} has the same key."


def _pieces(source: Source, size: int, skip: int) -> Iterator[Piece]:
    read = _csv_items if source.path.suffix == ".csv" else _json_items
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
        missing = [one.name for one in COLUMNS if one.required and one.name not in header]
        if missing or not set(header) <= set(_NAMES) or len(set(header)) < len(header):
            raise wrong_header(header, _NAMES)
        for line, cells in records:
            if len(cells) != len(header):
                raise NotCsv(line, f"{len(cells)} cells, where the header has {len(header)}.")
            yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    except NotCsv as error:
        raise MovementFileError([str(error)]) from error
