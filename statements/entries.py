"""Entries of customers' accounts, read by ranges of their sequences.

Everything that a statement says of entries comes from here: issuing, checking, and documents.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.sql.bulk import array, array_of_ids
from core.sql.cursors import prepared_cursor

# The most entries in memory, if the caller names no other number.
PORTION = 10_000


class EntryRange(NamedTuple):
    """The entries of an account from `first` up to and including `last`; none if `last` is less."""

    account_id: UUID
    first: int
    last: int


class StatedEntry(NamedTuple):
    """An entry of the range number `place` of those asked for. Amounts in units of 1/10,000.

    `change` is signed: a credit +, a debit -. A reversal has no description, as customers see it.
    The other account has no number and no name if it is the bank's own. It has its name only if
    both accounts have the same customer or the same owner.
    """

    place: int
    sequence: int
    change: int
    balance_after: int
    posted_at: datetime
    value_at: datetime
    transaction_id: UUID
    kind: str
    description: str
    reverses_id: UUID | None
    other_number: str
    other_name: str


def _side(side: str, other: str, sign: str) -> str:
    return (
        f"SELECT wanted.place, t.{side}_sequence AS sequence, {sign}t.amount AS change,"
        f" t.{side}_balance_after AS balance_after, t.completed_at, t.effective_at, t.id, t.type,"
        # The description of a reversal is a reason of staff.
        " CASE t.type WHEN 'REVERSAL' THEN '' ELSE t.description END AS description,"
        f" t.reverses_id, t.{side}_account_id AS own_id, t.{other}_account_id AS other_id"
        " FROM wanted JOIN transactions_transaction AS t"
        f" ON t.{side}_account_id = wanted.account_id"
        f" AND t.{side}_sequence BETWEEN wanted.first AND wanted.last"
        " AND t.completed_at < %(before)s"
    )


_WANTED = {
    "postgresql": (
        "SELECT * FROM unnest(%(ids)s::uuid[], %(firsts)s::bigint[], %(lasts)s::bigint[])"
        " WITH ORDINALITY AS one (account_id, first, last, place)"
    ),
    "sqlite": (
        "SELECT json_extract(value, '$[0]') AS account_id, json_extract(value, '$[1]') AS first,"
        " json_extract(value, '$[2]') AS last, key + 1 AS place FROM json_each(%(ranges)s)"
    ),
}
_READ = (
    "WITH wanted AS ({wanted})"
    " SELECT entry.place, entry.sequence, entry.change, entry.balance_after, entry.completed_at,"
    " entry.effective_at, entry.id, entry.type, entry.description, entry.reverses_id,"
    " CASE other.kind WHEN 'CUSTOMER' THEN other.number ELSE '' END,"
    # Where neither has a customer or an owner, the comparison is NULL, and the name stays empty.
    " CASE WHEN other.kind = 'CUSTOMER' AND (other.customer_id = own.customer_id"
    " OR other.owner_id = own.owner_id) THEN other.name ELSE '' END"
    f" FROM ({_side('debit', 'credit', '-')} UNION ALL {_side('credit', 'debit', '')}) AS entry"
    " JOIN accounts_account AS own ON own.id = entry.own_id"
    " LEFT JOIN accounts_account AS other ON other.id = entry.other_id"
    " ORDER BY entry.place, entry.sequence"
)


def entries_of(
    ranges: Iterable[EntryRange],
    before: datetime,
    *,
    portion: int = PORTION,
    connection: BaseDatabaseWrapper | None = None,
) -> Iterator[StatedEntry]:
    """The entries of these ranges posted before a moment, range by range, in order of sequence.

    `place` counts the ranges from 0. Reads up to `portion` entries in one statement, and holds no
    more of them. On SQLite `connection` may be one to a copy.
    """
    connection = connection or connections[DEFAULT_DB_ALIAS]
    for places, part in _portions(ranges, portion):
        for row in _read(connection, part, before):
            yield row._replace(place=places[row.place - 1])


def _portions(
    ranges: Iterable[EntryRange], size: int
) -> Iterator[tuple[list[int], list[EntryRange]]]:
    """The ranges in parts of at most `size` entries, with the place of each part's range."""
    places: list[int] = []
    part: list[EntryRange] = []
    free = size
    for place, wanted in enumerate(ranges):
        first = wanted.first
        while first <= wanted.last:
            last = min(wanted.last, first + free - 1)
            places.append(place)
            part.append(EntryRange(wanted.account_id, first, last))
            free -= last - first + 1
            first = last + 1
            if not free:
                yield places, part
                places, part, free = [], [], size
    if part:
        yield places, part


def _read(
    connection: BaseDatabaseWrapper, part: Sequence[EntryRange], before: datetime
) -> Iterator[StatedEntry]:
    statement = _READ.format(wanted=_WANTED[connection.vendor])
    if connection.vendor == "postgresql":
        ids, firsts, lasts = zip(*part, strict=True)
        with prepared_cursor() as cursor:
            cursor.execute(
                statement,
                {
                    "before": before,
                    "ids": array_of_ids(ids),
                    "firsts": array(firsts),
                    "lasts": array(lasts),
                },
            )
            rows = cursor.fetchall()
        return (StatedEntry(*row) for row in rows)
    ranges = json.dumps([(one.hex, *rest) for one, *rest in part])
    with connection.cursor() as cursor:
        parameters = {"before": connection.ops.adapt_datetimefield_value(before), "ranges": ranges}
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    return (_from_sqlite(*row) for row in rows)


def _from_sqlite(*row: Any) -> StatedEntry:
    entry = StatedEntry(*row)
    reverses = entry.reverses_id
    return entry._replace(
        posted_at=_moment(entry.posted_at),
        value_at=_moment(entry.value_at),
        transaction_id=UUID(str(entry.transaction_id)),
        reverses_id=None if reverses is None else UUID(str(reverses)),
    )


def _moment(stored: Any) -> datetime:
    moment = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return moment.replace(tzinfo=UTC)
