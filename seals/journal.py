"""What seals read of the journal: accounts that have moved, and the texts of their entries.

The database writes the texts, the same on SQLite and PostgreSQL. What archiving changes is in none
of them: an archived transaction has the same entries.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from core.sql.bulk import array, array_of_ids
from seals.guards import RANGES
from transactions.files.cells import AMOUNT, ID, INTEGER, TIME, WORD

_JOURNAL = "transactions_transaction"
_FETCHED_AT_ONCE = 1000
_ENTRIES_AT_ONCE = 10_000

T = TypeVar("T")

# The sequences of an account run 1..n without a gap, and its row has n. Both commit together, so a
# snapshot has all entries up to n, and whatever commits later gets a sequence above n.
# Materialized: otherwise PostgreSQL looks the last range up again for each use of its sequence.
_MOVED = f"""
    WITH account AS MATERIALIZED (
        SELECT account.id, account.currency, account.last_sequence, account.balance,
               coalesce((SELECT max(range.last_sequence) FROM {RANGES} AS range
                         WHERE range.account_id = account.id), 0) AS sealed
        FROM accounts_account AS account WHERE account.kind = 'CUSTOMER'
    )
    SELECT account.id, account.currency, account.last_sequence, account.balance, sealed,
           coalesce(leaf.balance, 0) FROM account
    LEFT JOIN {RANGES} AS leaf ON leaf.account_id = account.id AND leaf.last_sequence = sealed
    WHERE account.last_sequence > sealed ORDER BY account.id"""  # noqa: S608 - constants


class Moved(NamedTuple):
    """An account with entries after its last sealed one. Balances are in units."""

    id: UUID
    currency: str
    last_sequence: int
    balance: int
    sealed: int
    sealed_balance: int


class Slice(NamedTuple):
    """Some entries of an account, from the first to the last sequence."""

    account_id: UUID
    first: int
    last: int

    @property
    def entries(self) -> int:
        return self.last - self.first + 1


class SealedEntry(NamedTuple):
    """An entry as seals see it: its canonical text, its description, its balance in units.

    `other` is the id of the account of the other side, empty only in damaged books.
    """

    account_id: UUID
    sequence: int
    text: str
    description: str
    other: str
    balance_after: int


def moved_accounts(connection: BaseDatabaseWrapper) -> Iterator[Moved]:
    """The accounts with unsealed entries, by id, a bounded number of them in memory."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_MOVED)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for pk, currency, *numbers in rows:
                yield Moved(_id(pk), currency, *map(int, numbers))


def in_parts(slices: Iterable[tuple[Slice, T]]) -> Iterator[list[tuple[Slice, T]]]:
    """Slices, each with what it belongs to, in parts of some thousand entries for `entries_of`."""
    part: list[tuple[Slice, T]] = []
    entries = 0
    for one in slices:
        part.append(one)
        entries += one[0].entries
        if entries >= _ENTRIES_AT_ONCE:
            yield part
            part, entries = [], 0
    if part:
        yield part


def entries_of(connection: BaseDatabaseWrapper, slices: Sequence[Slice]) -> Iterator[SealedEntry]:
    """The entries of these slices by account and sequence, which is also the order of the slices.

    Entries that the journal lacks are left out.
    """
    vendor = connection.vendor
    ids = [one.account_id for one in slices]
    firsts, lasts = [one.first for one in slices], [one.last for one in slices]
    parameters: list[Any]
    if vendor == "postgresql":
        chosen = (
            "unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS chosen (account_id, first, last)"
        )
        parameters = [array_of_ids(ids), array(firsts), array(lasts)]
    else:
        chosen = (
            "(SELECT json_extract(value, '$[0]') AS account_id, json_extract(value, '$[1]') AS"
            " first, json_extract(value, '$[2]') AS last FROM json_each(%s)) AS chosen"
        )
        rows = [[one.account_id.hex, one.first, one.last] for one in slices]
        parameters = [json.dumps(rows)]
    sides = " UNION ALL ".join(_side(vendor, side, chosen) for side in _SIDES)
    with connection.cursor() as cursor:
        cursor.execute(f"{sides} ORDER BY 1, 2", parameters * len(_SIDES))
        for pk, sequence, text, description, other_id, balance in cursor.fetchall():
            yield SealedEntry(_id(pk), int(sequence), text, description, other_id, int(balance))


# The side, the other side, and the signed amount.
_SIDES = (("debit", "credit", "(-t.amount)"), ("credit", "debit", "t.amount"))


def _side(vendor: str, names: tuple[str, str, str], chosen: str) -> str:
    """A SELECT of the entries of one side of the journal."""
    side, other, amount = names
    cells = (
        ID.sql(vendor, f"t.{side}_account_id"),
        INTEGER.sql(vendor, f"t.{side}_sequence"),
        ID.sql(vendor, "t.id"),
        WORD.sql(vendor, "t.type"),
        f"'{side.upper()}'",
        AMOUNT.sql(vendor, amount, currency="t.currency"),
        WORD.sql(vendor, "t.currency"),
        AMOUNT.sql(vendor, f"t.{side}_balance_after", currency="t.currency"),
        f"coalesce({ID.sql(vendor, 't.reverses_id')}, '')",
        TIME.sql(vendor, "t.effective_at"),
        TIME.sql(vendor, "t.created_at"),
        TIME.sql(vendor, "t.completed_at"),
    )
    line_feed = "chr(10)" if vendor == "postgresql" else "char(10)"
    other_id = f"coalesce({ID.sql(vendor, f't.{other}_account_id')}, '')"
    text = f" || {line_feed} || ".join(cells)
    entries = (
        f"SELECT t.{side}_account_id, t.{side}_sequence, {text}, t.description,"  # noqa: S608
        f" {other_id}, t.{side}_balance_after FROM {{source}} AS t"
        f" WHERE t.{side}_account_id = chosen.account_id"
        f" AND t.{side}_sequence >= chosen.first AND t.{side}_sequence <= chosen.last"
    )
    if vendor == "postgresql":
        # OFFSET keeps it a look-up by index for each slice. For thousands of slices the planner
        # would else sort the whole journal, whose length it knows, for some entries of each.
        one = f"LATERAL ({entries.format(source=_JOURNAL)} OFFSET 0) AS entry"
        return f"SELECT entry.* FROM {chosen} CROSS JOIN {one}"  # noqa: S608 - constants
    return entries.format(source=f"{chosen} CROSS JOIN {_JOURNAL}")


def _id(value: Any) -> UUID:
    """SQLite stores 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)
