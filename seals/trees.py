"""The ranges of a seal: their trees of entries, kept on disk until they are stored."""

import secrets
import struct
from collections.abc import Callable, Container, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from core.identifiers import MAX_INDEX, uuid7
from seals.canonical import entry_hash, range_fields, range_hash
from seals.journal import Moved, SealedEntry, Slice, entries_of, in_parts, moved_accounts
from seals.merkle import BLOCK, root_of
from seals.problems import SealProblem

# A range has at most so many entries: a proof reads them all.
LONGEST_RANGE = BLOCK
_SECRET_BYTES = 32
_RECORD = struct.Struct(">16s3sqqq32s32s")


class Leaf(NamedTuple):
    """A range of a seal. The balance is in units; root and secret are 32 bytes."""

    account_id: UUID
    currency: str
    first: int
    last: int
    balance: int
    entries_root: bytes
    secret: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The fields of its canonical text."""
        sequences = (self.first, self.last)
        return range_fields(
            self.account_id, sequences, self.currency, self.balance, self.entries_root
        )

    @property
    def hash(self) -> bytes:
        return range_hash(self.secret, self.fields)

    def row(self, seal_id: UUID, sealed_at: datetime, position: int) -> tuple[Any, ...]:
        """The values of `COLUMNS`."""
        moments, index = divmod(position, MAX_INDEX + 1)
        pk = uuid7(sealed_at + timedelta(microseconds=moments), index)
        return (
            pk, seal_id, position, self.account_id, self.first, self.last, self.currency,
            self.balance, self.entries_root.hex(), self.secret.hex(),
        )  # fmt: skip


COLUMNS = (
    "id", "seal_id", "position", "account_id", "first_sequence", "last_sequence", "currency",
    "balance", "entries_root", "secret",
)  # fmt: skip


class LeafFile:
    """Leaves in a temporary file, in order: memory does not grow with the accounts."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.leaves = 0
        self.entries = 0

    def add(self, leaf: Leaf) -> None:
        account_id, currency, *rest = leaf
        self._file.write(_RECORD.pack(account_id.bytes, currency.encode(), *rest))
        self.leaves += 1
        self.entries += leaf.last - leaf.first + 1

    def __iter__(self) -> Iterator[Leaf]:
        self._file.flush()
        self._file.seek(0)
        while record := self._file.read(_RECORD.size):
            account_id, currency, *rest = _RECORD.unpack(record)
            yield Leaf(UUID(bytes=account_id), currency.decode(), *rest)


def collect(
    connection: BaseDatabaseWrapper, leaves: LeafFile, progress: Callable[[int], None]
) -> None:
    """Adds the ranges of all entries that are not sealed. Calls `progress` with their numbers.

    `connection` reads a snapshot. Raises SealProblem if the books are damaged: a seal must not
    make such books look sound.
    """
    for part in parts(connection):
        _take(connection, part, leaves)
        progress(sum(one.entries for one, _ in part))


def parts(
    connection: BaseDatabaseWrapper, given_up: Container[UUID] = ()
) -> Iterator[list[tuple[Slice, Moved]]]:
    """The unsealed entries as future ranges, each with its account, some thousand entries a part.

    By account, then by sequence. Accounts that the caller has `given_up` meanwhile have no further
    parts: a damaged account may claim any number of entries.
    """
    return in_parts(
        (one, moved)
        for moved in moved_accounts(connection)
        for one in takewhile(lambda one: one.account_id not in given_up, _slices(moved))
    )


def _slices(moved: Moved) -> Iterator[Slice]:
    for first in range(moved.sealed + 1, moved.last_sequence + 1, LONGEST_RANGE):
        yield Slice(moved.id, first, min(first + LONGEST_RANGE - 1, moved.last_sequence))


def _take(
    connection: BaseDatabaseWrapper, waiting: list[tuple[Slice, Moved]], leaves: LeafFile
) -> None:
    found = entries_of(connection, [one for one, _ in waiting])
    for one, moved in waiting:
        secret = secrets.token_bytes(_SECRET_BYTES)
        hashes, balance = hashes_of(one, found, secret)
        if one.last == moved.last_sequence and balance != moved.balance:
            raise SealProblem(
                f"The balance of account {moved.id} is not that after its last entry: run"
                " `verify_ledger`."
            )
        leaves.add(
            Leaf(moved.id, moved.currency, one.first, one.last, balance, root_of(hashes), secret)
        )


def hashes_of(one: Slice, found: Iterator[SealedEntry], secret: bytes) -> tuple[list[bytes], int]:
    """The hashes of the entries of a slice, and the balance after the last one, in units.

    Takes them from `found`. Raises SealProblem if an entry is missing.
    """
    taken: list[SealedEntry] = []
    for sequence in range(one.first, one.last + 1):
        entry = next(found, None)
        if entry is None or (entry.account_id, entry.sequence) != (one.account_id, sequence):
            raise SealProblem(
                f"Account {one.account_id} has no entry {sequence}, or two: run `verify_ledger`."
            )
        taken.append(entry)
    return entry_hashes(taken, secret), taken[-1].balance_after


def entry_hashes(entries: Iterable[SealedEntry], secret: bytes) -> list[bytes]:
    """The hashes of the leaves of these entries."""
    return [
        entry_hash(secret, one.sequence, one.text, one.description, one.other) for one in entries
    ]
