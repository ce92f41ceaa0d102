"""Joins the two rows that the earlier system wrote for each transfer. Reads and writes no database.

The files do not link the two rows, so they are joined by the values they share. If several ways to
join them fit, and the results differ, the rows stay unjoined.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from legacy_import.files import Movement, MovementType

# The earlier system wrote the second row a moment after the first. Rows with equal times are joined
# first.
TOLERANCE = timedelta(seconds=5)

SidePair = tuple[Movement, Movement]
Candidates = Mapping[int, list[int]]


@dataclass(slots=True)
class Joined:
    """Transfers as (out, in), and the unjoined sides, each with the reason."""

    transfers: list[SidePair] = field(default_factory=list)
    unmatched: list[tuple[Movement, str]] = field(default_factory=list)


def join(movements: Iterable[Movement]) -> Joined:
    """Joins rows of two accounts with the same amount and status, at most TOLERANCE apart.

    Both descriptions must be equal, or each must name the other row's account.
    """
    groups: dict[object, list[Movement]] = defaultdict(list)
    for movement in movements:
        groups[movement.amount, movement.status].append(movement)
    joined = Joined()
    for group in groups.values():
        _join_group(group, joined)
    return joined


def _join_group(group: list[Movement], joined: Joined) -> None:
    outs = _by_time(group, MovementType.TRANSFER_OUT)
    ins = _by_time(group, MovementType.TRANSFER_IN)
    for tolerance in (timedelta(0), TOLERANCE):
        candidates = _candidates(outs, ins, tolerance)
        taken_outs: set[int] = set()
        taken_ins: set[int] = set()
        for some_outs, some_ins in _components(candidates):
            if not _has_one_reading([outs[i] for i in some_outs], [ins[i] for i in some_ins]):
                continue
            pairs = list(zip(sorted(some_outs), sorted(some_ins), strict=True))
            if all(into in candidates[out] for out, into in pairs):
                taken_outs |= some_outs
                taken_ins |= some_ins
                joined.transfers += [(outs[out], ins[into]) for out, into in pairs]
        outs = [out for index, out in enumerate(outs) if index not in taken_outs]
        ins = [into for index, into in enumerate(ins) if index not in taken_ins]
    _tell_unmatched(outs, ins, joined)


def _by_time(group: list[Movement], kind: MovementType) -> list[Movement]:
    # Sorting is stable: rows of one moment stay in the order of the file.
    return sorted((one for one in group if one.type == kind), key=lambda one: one.at)


def _candidates(outs: list[Movement], ins: list[Movement], tolerance: timedelta) -> Candidates:
    """The possible incoming rows of each outgoing row, as indexes by index."""
    times = [into.at for into in ins]
    candidates: dict[int, list[int]] = {}
    for index, out in enumerate(outs):
        first = bisect_left(times, out.at - tolerance)
        found = []
        for position in range(first, len(ins)):
            if times[position] > out.at + tolerance:
                break
            if out.legacy_id != ins[position].legacy_id and _texts_agree(out, ins[position]):
                found.append(position)
        if found:
            candidates[index] = found
    return candidates


def _texts_agree(out: Movement, into: Movement) -> bool:
    if out.description == into.description:
        return True
    return _names(out.description, into.legacy_id) and _names(into.description, out.legacy_id)


def _names(text: str, legacy_id: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(legacy_id)}(?!\w)", text) is not None


def _components(candidates: Candidates) -> Iterator[tuple[set[int], set[int]]]:
    """Outgoing and incoming rows connected by candidates, over any number of steps."""
    outs_of: dict[int, list[int]] = defaultdict(list)
    for out, ins in candidates.items():
        for into in ins:
            outs_of[into].append(out)
    seen: set[int] = set()
    for start in candidates:
        if start in seen:
            continue
        outs, ins_found, waiting = {start}, set[int](), [start]
        while waiting:
            for into in candidates[waiting.pop()]:
                if into not in ins_found:
                    ins_found.add(into)
                    waiting += [out for out in outs_of[into] if out not in outs]
                    outs.update(outs_of[into])
        seen |= outs
        yield outs, ins_found


def _has_one_reading(outs: list[Movement], ins: list[Movement]) -> bool:
    """Whether every way to join the rows moves the same money between the same two accounts."""
    return (
        len(outs) == len(ins)
        and len({out.legacy_id for out in outs}) == 1
        and len({into.legacy_id for into in ins}) == 1
    )


def _tell_unmatched(outs: list[Movement], ins: list[Movement], joined: Joined) -> None:
    candidates = _candidates(outs, ins, TOLERANCE)
    ambiguous_ins = {into for found in candidates.values() for into in found}
    for index, out in enumerate(outs):
        joined.unmatched.append((out, _reason(is_ambiguous=index in candidates)))
    for index, into in enumerate(ins):
        joined.unmatched.append((into, _reason(is_ambiguous=index in ambiguous_ins)))


def _reason(*, is_ambiguous: bool) -> str:
    if is_ambiguous:
        return "More than one row may be the other side of this transfer."
    return "The other side of this transfer is missing."
