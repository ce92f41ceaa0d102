"""Reads where the next changes stand: the position and id of each, in the order of the feed.

A reader on PostgreSQL sees only rows whose position is lower than the number of every database
transaction that still runs. Later rows have greater positions, so none appears behind the reader.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from core.sql.cursors import prepared_rows
from events.positions import COLUMN, OFFSET_SQL, TABLES

_LOWEST = UUID(int=0)


class FeedPlace(NamedTuple):
    """A place in one table: just after the row `id`, or, if `is_row` is false, at its beginning."""

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
_LAST = (
    f"(SELECT {{index}}, {COLUMN}, id FROM {{table}} WHERE {COLUMN} < {_HORIZON}"
    f" ORDER BY {COLUMN} DESC, id DESC LIMIT 1)"
)
_LAST_SQLITE = "SELECT * FROM (SELECT {index}, rowid, id FROM {table} ORDER BY rowid DESC LIMIT 1)"
_NEWEST, _NEWEST_SQLITE = _union(_LAST), _union(_LAST_SQLITE)

_Row = tuple[int, int, UUID | str]


def next_keys(places: Sequence[FeedPlace], limit: int) -> list[list[Key]] | None:
    """For each table up to `limit` keys from its place on, the row of the place included.

    None if the row of a place is not there any more. One statement. Raises Django's database
    errors.
    """
    streams: list[list[Key]] = [[] for _ in TABLES]
    for row in _rows(places, limit + 1):
        key = _key(*row)
        streams[key.table].append(key)
    for place, stream in zip(places, streams, strict=True):
        # Sorted by PostgreSQL and by SQLite alike; a UNION promises no order.
        stream.sort(key=lambda key: (key.position, key.id.int))
        if place.is_row:
            if not stream or stream[0][1:] != place[:2]:
                return None
            del stream[0]
        del stream[limit:]
    return streams


def _rows(places: Sequence[FeedPlace], limit: int) -> list[_Row]:
    if connection.vendor == "postgresql":
        parameters = [one for place in places for one in (place.position, place.id, limit)]
        return prepared_rows(_NEXT, parameters)
    return prepared_rows(_NEXT_SQLITE, [n for one in places for n in (one.position, limit)])


def _key(table: int, position: int, pk: UUID | str) -> Key:
    return Key(table, position, pk if isinstance(pk, UUID) else UUID(pk))


def newest_places() -> tuple[FeedPlace, ...]:
    """The end of the feed: only later changes come after these places. One statement.

    Each names the last row of its table. So a bank that has lost the row is found out.
    """
    places = list(BEGINNING)
    is_postgresql = connection.vendor == "postgresql"
    for row in prepared_rows(_NEWEST if is_postgresql else _NEWEST_SQLITE):
        key = _key(*row)
        places[key.table] = FeedPlace(key.position, key.id, is_row=True)
    return tuple(places)
