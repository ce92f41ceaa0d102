"""Reads where the next changes stand: the position and id of each, in the order of commits.

A reader on PostgreSQL sees only rows whose database transaction is older than all that still run.
Every later one has a greater number, so nothing can appear behind the reader.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from core.sql.cursors import prepared_rows
from events.positions import COLUMN, OFFSET_SQL, TABLES

_LOWEST, _HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)


class FeedPlace(NamedTuple):
    """A place in one table: just after the row `id`, or, if `is_row` is false, after no row."""

    position: int
    id: UUID
    is_row: bool


class Key(NamedTuple):
    """A change's place, and which of the tables has its row."""

    table: int
    position: int
    id: UUID


BEGINNING = tuple(FeedPlace(-1, _LOWEST, is_row=False) for _ in TABLES)

# The oldest database transaction that still runs, as a position.
_HORIZON = f"(SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {OFFSET_SQL})"
_PART = (
    f"(SELECT {{index}}, {COLUMN}, id FROM {{table}} WHERE ({COLUMN}, id) >= (%s, %s)"
    f" AND {COLUMN} < {_HORIZON} ORDER BY {COLUMN}, id LIMIT %s)"
)
_PART_SQLITE = (
    "SELECT * FROM (SELECT {index}, rowid, id FROM {table} WHERE rowid >= %s"
    " ORDER BY rowid LIMIT %s)"
)


def _union(part: str) -> str:
    return " UNION ALL ".join(part.format(index=i, table=name) for i, name in enumerate(TABLES))


_NEXT, _NEXT_SQLITE = _union(_PART), _union(_PART_SQLITE)
_END = f"SELECT {_HORIZON}"
_END_SQLITE = " UNION ALL ".join(f"SELECT coalesce(max(rowid), 0) FROM {name}" for name in TABLES)


def next_keys(places: Sequence[FeedPlace], limit: int) -> list[list[Key]] | None:
    """For each table up to `limit` keys from its place on, the row of the place included.

    None if the row of a place is not there any more. One statement. Raises Django's database
    errors.
    """
    streams: list[list[Key]] = [[] for _ in TABLES]
    for index, position, pk in _rows(places, limit + 1):
        streams[index].append(Key(index, position, pk if isinstance(pk, UUID) else UUID(pk)))
    for place, stream in zip(places, streams, strict=True):
        # Sorted by PostgreSQL and by SQLite alike; a UNION promises no order.
        stream.sort(key=lambda key: (key.position, key.id.int))
        if place.is_row:
            if not stream or stream[0][1:] != place[:2]:
                return None
            del stream[0]
        del stream[limit:]
    return streams


def _rows(places: Sequence[FeedPlace], limit: int) -> list[tuple[int, int, UUID | str]]:
    if connection.vendor == "postgresql":
        parameters = [one for place in places for one in (place.position, place.id, limit)]
        return prepared_rows(_NEXT, parameters)
    # A place that is no row is the end of the table: the next row has the next number.
    firsts = [place.position if place.is_row else place.position + 1 for place in places]
    return prepared_rows(_NEXT_SQLITE, [n for first in firsts for n in (first, limit)])


def newest_places() -> tuple[FeedPlace, ...]:
    """The end of the feed: only later changes come after these places."""
    if connection.vendor == "postgresql":
        horizon = int(prepared_rows(_END)[0][0])
        return tuple(FeedPlace(horizon - 1, _HIGHEST, is_row=False) for _ in TABLES)
    return tuple(FeedPlace(row[0], _HIGHEST, is_row=False) for row in prepared_rows(_END_SQLITE))
