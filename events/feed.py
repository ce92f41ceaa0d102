"""The feed: every change of an account, a transaction or a hold once, each after its cause."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import connection

from core.errors import CursorLost
from events.changes import Change, ChangeReader, Found, changes_of
from events.keys import BEGINNING, FeedPlace, Key, next_keys
from events.positions import TABLES

# How many changes of the bank a page of a customer looks through, at most, for those of their own.
_MOST_LOOKED_THROUGH = 2000
_RANDOM_BITS = 48


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Changes in their order, places after the last of them, and whether more are there.

    `has_more` without changes of the reader's own says only that many others were looked through.
    `looked_through` counts all changes that the page passes, of anyone.
    """

    changes: list[Change]
    places: tuple[FeedPlace, ...]
    has_more: bool
    looked_through: int = 0


def read(reader: ChangeReader, places: Sequence[FeedPlace], size: int) -> FeedPage:
    """Up to `size` changes after these places, as far as the reader sees them.

    A page may have fewer changes, or none, though more are there. One statement if there is
    nothing, and at most six more. Raises CursorLost if the bank has lost the row of a place.
    """
    places = (*places, *BEGINNING[len(places) :])
    limit = size if reader.sees_all else _MOST_LOOKED_THROUGH
    streams = next_keys(places, limit + 1)
    if streams is None:
        raise CursorLost(
            "The bank was restored from a backup without the last change that this cursor names."
            " Compare your records with the bank's, and read on with after=newest."
        )
    merged = list(islice(heapq.merge(*streams, key=_place_in_page), limit))
    found = _found(merged, reader)
    after, has_more = list(places), len(merged) < sum(map(len, streams))
    changes: list[Change] = []
    passed = 0
    for key in merged:
        if (change := found[key.table].get(key.id)) is not None:
            if len(changes) == size:
                has_more = True
                break
            changes.append(change)
        after[key.table] = FeedPlace(key.position, key.id, is_row=True)
        passed += 1
    return FeedPage(changes, tuple(after), has_more, passed)


def _found(keys: Sequence[Key], reader: ChangeReader) -> list[Found]:
    ids = [[key.id for key in keys if key.table == table] for table in range(len(TABLES))]
    return [changes_of(table, wanted, reader) for table, wanted in enumerate(ids)]


def _place_in_page(key: Key) -> tuple[int, int, int]:
    """On PostgreSQL by position, then by moment, and last by cause and effect.

    The positions of SQLite are numbers of each table, so there the moment decides alone: a writer
    takes it when no other can write. Every order keeps the order within each table, and the cursor
    has a place in each.
    """
    return _shared_position(key), key.id.int >> _RANDOM_BITS, key.table


def _shared_position(key: Key) -> int:
    return key.position if connection.vendor == "postgresql" else 0
