"""T1 of ranges: each has the entries that the journal has."""

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from core.money import from_units
from seals.canonical import raw
from seals.journal import SealedEntry, Slice, entries_of
from seals.merkle import root_of
from seals.models import Seal, SealedRange
from seals.proofs import leaf_of
from seals.trees import LONGEST_RANGE, entry_hashes
from transactions.verifier.report import Collector, Place

_ENTRIES_AT_ONCE = 10_000


def blocks_in(seal: Seal) -> list[str]:
    """The recorded roots of its blocks; none if what is recorded is no list of texts."""
    kept = seal.blocks
    is_list = isinstance(kept, list) and all(isinstance(one, str) for one in kept)
    return kept if is_list else []


def check_ranges(
    connection: BaseDatabaseWrapper, ranges: Sequence[SealedRange], found: Collector
) -> list[bytes]:
    """Compares ranges with the journal. Returns the hashes of their leaves, in order.

    Reads no range that is longer than any seal makes: a changed length must not fill the memory.
    """
    readable = []
    for one in ranges:
        length = one.last_sequence - one.first_sequence + 1
        if 0 < length <= LONGEST_RANGE:
            readable.append(one)
        else:
            found.add(
                "T1.range_length",
                f"A range has 1 to {LONGEST_RANGE:,} entries.",
                Place(_where(one), f"1 to {LONGEST_RANGE}", str(length)),
            )
    for some in _by_entries(readable):
        _check(connection, some, found)
    return [leaf_of(one).hash for one in ranges]


def _by_entries(ranges: Sequence[SealedRange]) -> Iterator[list[SealedRange]]:
    """The ranges in parts of a bounded number of entries."""
    some: list[SealedRange] = []
    entries = 0
    for one in ranges:
        some.append(one)
        entries += one.last_sequence - one.first_sequence + 1
        if entries >= _ENTRIES_AT_ONCE:
            yield some
            some, entries = [], 0
    if some:
        yield some


def _check(
    connection: BaseDatabaseWrapper, ranges: Sequence[SealedRange], found: Collector
) -> None:
    slices = [Slice(one.account_id, one.first_sequence, one.last_sequence) for one in ranges]
    # By account: a damaged journal may have too few or too many of them.
    entries: dict[tuple[object, int], SealedEntry] = {}
    for entry in entries_of(connection, slices):
        entries[entry.account_id, entry.sequence] = entry
    for one, chosen in zip(ranges, slices, strict=True):
        sequences = range(chosen.first, chosen.last + 1)
        kept = [entries.get((chosen.account_id, each)) for each in sequences]
        _compare(one, [entry for entry in kept if entry is not None], found)


def _where(one: SealedRange) -> dict[str, str | int]:
    return {
        "account_id": str(one.account_id),
        "first_sequence": one.first_sequence,
        "last_sequence": one.last_sequence,
        "position": one.position,
    }


def _compare(one: SealedRange, entries: Sequence[SealedEntry], found: Collector) -> None:
    """Compares a range with its entries in the journal."""
    where = _where(one)
    for sequence in range(one.first_sequence, one.last_sequence + 1):
        at = sequence - one.first_sequence
        if at >= len(entries) or entries[at].sequence != sequence:
            place = Place({**where, "sequence": sequence}, "an entry", "none")
            found.add("T1.entry_missing", "Each sealed entry is in the journal.", place)
            return
    root = root_of(entry_hashes(entries, raw(one.secret))).hex()
    if root != one.entries_root:
        place = Place(where, one.entries_root, root)
        found.add("T1.entries_changed", "Sealed entries never change.", place)
    balance = from_units(entries[-1].balance_after)
    if balance != one.balance:
        place = Place(where, f"{balance:f}", f"{one.balance:f}")
        found.add("T1.range_balance", "A range has the balance after its last entry.", place)
