"""T1 of ranges: each has the entries that the journal has."""

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from core.money import from_units
from seals.canonical import raw
from seals.journal import SealedEntry, Slice, entries_of, in_parts
from seals.merkle import root_of
from seals.models import Seal, SealedRange
from seals.proofs import leaf_of
from seals.trees import LONGEST_RANGE, entry_hashes
from transactions.verifier.report import Collector, Place


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
        chosen = Slice(one.account_id, one.first_sequence, one.last_sequence)
        if 0 < chosen.entries <= LONGEST_RANGE:
            readable.append((chosen, one))
        else:
            found.add(
                "T1.range_length",
                f"A range has 1 to {LONGEST_RANGE:,} entries.",
                Place(_where(one), f"1 to {LONGEST_RANGE}", str(chosen.entries)),
            )
    for part in in_parts(readable):
        _check(connection, part, found)
    return [leaf_of(one).hash for one in ranges]


def _check(
    connection: BaseDatabaseWrapper, ranges: Sequence[tuple[Slice, SealedRange]], found: Collector
) -> None:
    # By account: a damaged journal may have too few or too many of them.
    entries: dict[tuple[object, int], SealedEntry] = {}
    for entry in entries_of(connection, [chosen for chosen, _ in ranges]):
        entries[entry.account_id, entry.sequence] = entry
    for chosen, one in ranges:
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
