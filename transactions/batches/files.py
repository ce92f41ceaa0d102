"""Files of movements: CSV with a header, or JSON Lines, of any length, read in pieces."""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from accounts.selectors import AccountCurrency, known_currencies
from accounts.self_dealing import refuse_self_dealing
from core import clock
from core.commands import Origin
from core.errors import (
    MAX_ERRORS,
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    SelfDealing,
)
from core.files import os_errors_as_file_problem
from transactions.batches.about_holds import (
    MAX_HOLD_ITEMS,
    accounts_of,
    movement_of,
    places_about_holds,
    unknown_holds,
    with_their_holds,
)
from transactions.batches.input import read_items
from transactions.batches.lines import MovementFileError, Piece, Source, pieces
from transactions.batches.post import BatchRequest
from transactions.commands import MoneyCommand, PlaceHold
from transactions.ledger.booking import postings_of
from transactions.ledger.hold_items import Items
from transactions.ledger.idempotency import find_known, find_replays

_NO_HOLDS = "type: An uploaded file only moves money; post_batch takes items about holds."
# A line, and what is wrong with it.
Problem = tuple[int, str]


@dataclass(frozen=True, slots=True)
class MovementFile:
    """A file that was read to its end without an error. `digest` is its SHA-256."""

    source: Source
    digest: str
    length: int
    # Whether items are about holds. Such a file is posted in smaller pieces.
    has_holds: bool = False

    def requests(
        self, size: int, *, skip: int, atomic: bool, key: str = ""
    ) -> Iterator[tuple[list[int], BatchRequest]]:
        """The items after the first `skip`, in pieces, each with its lines.

        An item without a key gets one made from the file's content and the item's line. So if the
        item is posted again, from this file or a copy, it is a replay. With `key` the batch of a
        piece has a key too: this text, and the number of items before the piece.
        """
        if self.has_holds and not atomic:
            size = min(size, MAX_HOLD_ITEMS)
        for piece in pieces(self.source, size, skip):
            _give_keys(piece, self.digest)
            piece_key = f"{key}{skip}" if key else None
            yield piece.lines, read_items(piece.items, atomic=atomic, key=piece_key)
            skip += len(piece.items)

    def line(self, place: int) -> int:
        """The first line of the item that has so many items before it."""
        piece = next(pieces(self.source, 1, place))
        return piece.lines[0]


def check_file(
    source: Source, size: int, origin: Origin, *, may_have_holds: bool = True
) -> MovementFile:
    """Reads and checks the whole file without posting anything.

    Raises MovementFileError with up to a hundred bad lines: an invalid item, an account that does
    not exist or belongs to the requesting user, an amount that the account's currency cannot
    express, a hold that does not exist, a bad moment of expiry, a repeated key, or, on a line with
    a date, the key of another request; without `may_have_holds` each item about a hold. Raises
    FileProblem if the file cannot be read.

    The result stays valid: accounts and holds are never deleted, and keep their currency. Only a
    date may become too old, but not that of an item that was posted.
    """
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    length = 0
    has_holds = False
    with os_errors_as_file_problem(source.path, "read"), source.open() as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    now = clock.now()
    for piece in pieces(source, size, 0):
        length += len(piece.items)
        places = places_about_holds(piece.items)
        has_holds = has_holds or bool(places)
        found: list[Problem] = []
        if places and not may_have_holds:
            found += [(piece.lines[at], _NO_HOLDS) for at in places]
            piece = piece.without(places)  # noqa: PLW2901 - the others may be wrong too
        found += (*_repeated(piece, seen), *_problems_of(piece, digest, origin, now))
        problems += sorted(found, key=itemgetter(0))
        if len(problems) >= MAX_ERRORS:
            break
    if not length:
        raise MovementFileError(["The file has no transactions."])
    if problems:
        told = [f"Line {line}: {sentence}" for line, sentence in problems[:MAX_ERRORS]]
        raise MovementFileError(told)
    return MovementFile(source, digest, length, has_holds)


def _give_keys(piece: Piece, digest: str) -> None:
    for line, item in zip(piece.lines, piece.items, strict=True):
        if isinstance(item, dict) and item.get("idempotency_key") is None:
            item["idempotency_key"] = f"file:{digest[:40]}:{line}"


def _problems_of(piece: Piece, digest: str, origin: Origin, now: datetime) -> Iterator[Problem]:
    """Items that cannot be read, then what is wrong with the others."""
    has_dates = any(
        isinstance(item, dict) and (item.get("effective_at") or item.get("expires_at"))
        for item in piece.items
    )
    if has_dates:
        _give_keys(piece, digest)
    try:
        request = read_items(piece.items, atomic=False)
    except InvalidInput as error:
        yield from (_at_line(piece, each) for each in error.errors)
        rest = piece.without({_index_of(each) for each in error.errors})
        if rest.items and len(error.errors) < MAX_ERRORS:
            yield from _problems_of(rest, digest, origin, now)
        return
    commands = request.commands
    if request.has_holds:
        piece, commands, told = _without(piece, commands, unknown_holds(commands))
        yield from told
        commands = with_their_holds(commands)
    known = known_currencies({one for command in commands for one in accounts_of(command)})
    piece, commands, told = _without(piece, commands, _unknown_accounts(commands, known))
    yield from told
    yield from _own_accounts(piece, commands, known, origin)
    if request.has_holds:
        yield from _bad_expiries(piece, commands, origin, now)
    piece, movements = _moving(piece, commands)
    try:
        # A value date may have become too old since an earlier run posted its line.
        done = find_known(movements, origin) if has_dates else {}
        for _ in postings_of(movements, known, origin, now, done):
            pass
    except IdempotencyKeyReused as error:
        yield piece.lines[error.index or 0], error.detail
    except InvalidInput as error:
        yield from (_at_line(piece, each) for each in error.errors)


def _without(
    piece: Piece, commands: Items, bad: Iterable[tuple[int, str]]
) -> tuple[Piece, Items, list[Problem]]:
    """The items that are not bad, and what is wrong with the others."""
    found = dict(bad)
    rest = [command for index, command in enumerate(commands) if index not in found]
    return piece.without(found), rest, [(piece.lines[at], found[at]) for at in found]


def _bad_expiries(
    piece: Piece, commands: Items, origin: Origin, now: datetime
) -> Iterator[Problem]:
    """New holds that expire too early or too late, unless an earlier run has placed them."""
    for line, command in zip(piece.lines, commands, strict=True):
        if not isinstance(command, PlaceHold):
            continue
        try:
            command.expiry(now)
        except InvalidInput as error:
            if not _was_placed(command, origin):
                yield line, f"expires_at: {error.errors[0].detail}"


def _was_placed(command: PlaceHold, origin: Origin) -> bool:
    try:
        return bool(find_replays([command], origin))
    except IdempotencyKeyReused:
        return False


def _moving(piece: Piece, commands: Items) -> tuple[Piece, list[MoneyCommand]]:
    """Those of the items that move money, or hold it to be moved, as movements."""
    movements = [movement_of(command) for command in commands]
    still = {at for at, movement in enumerate(movements) if movement is None}
    return piece.without(still), [movement for movement in movements if movement is not None]


def _unknown_accounts(commands: Items, known: Container[UUID]) -> Iterator[tuple[int, str]]:
    for index, command in enumerate(commands):
        missing = [str(one) for one in accounts_of(command) if one not in known]
        if missing:
            yield index, f"There is no account {' and no account '.join(missing)}."


def _own_accounts(
    piece: Piece,
    commands: Items,
    known: Mapping[UUID, AccountCurrency],
    origin: Origin,
) -> Iterator[Problem]:
    for line, command in zip(piece.lines, commands, strict=True):
        try:
            refuse_self_dealing([known[one] for one in accounts_of(command)], origin)
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
