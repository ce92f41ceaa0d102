"""B1: statements join without a gap, and are what the entries say.

A rule of `verify_ledger`: everything is derived again from the journal, and the digests too.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from core.api.fields import rfc_3339
from core.money import from_units, raw_units
from seals.models import Seal
from statements.digests import EntryTotals, statement_digest
from statements.entries import EntryRange, StatedEntry, entries_of
from statements.models import Statement
from transactions.verifier.report import Collector, Place

_AT_ONCE = 500
_TICK = timedelta(microseconds=1)
_EVER = datetime(9999, 1, 1, tzinfo=UTC)

_SAYS = {
    "number": "The statements of an account are numbered 1..n, and each names the one before it.",
    "period": "A statement begins when the one before it ends.",
    "range": "The entries of a statement follow those of the one before it.",
    "opening_balance": "A statement begins with the balance of the one before it.",
    "entries": "The figures of a statement are those of its entries.",
    "cut": "A statement has the entries posted in its period, and no others.",
    "currency": "A statement is in the currency of its account.",
    "time_zone": "A statement names its time zone.",
    "month": "A statement ends with its month, in its time zone.",
    "digest": "The digest of a statement is that of its content.",
    "seal": "A statement names a seal of the bank.",
}


class _Row(NamedTuple):
    """A stored statement; amounts in units."""

    id: UUID
    account_id: UUID
    account_number: str
    currency: str
    stated_currency: str
    period: str
    time_zone: str
    last_of_account: int
    number: int
    starts_at: datetime
    ends_at: datetime
    first_sequence: int
    last_sequence: int
    entries: int
    opening_balance: int
    closing_balance: int
    total_debits: int
    total_credits: int
    previous_id: UUID | None
    secret: str
    digest: str
    seal_number: int | None
    seal_digest: str


_AMOUNTS = ("opening_balance", "closing_balance", "total_debits", "total_credits")
_NAMES = {
    "account_number": "account__number",
    "currency": "account__currency",
    "stated_currency": "currency",
    "last_of_account": "account__last_sequence",
    "entries": "count",
}
_COLUMNS = [
    raw_units(name) if name in _AMOUNTS else _NAMES.get(name, name) for name in _Row._fields
]


def check(connection: BaseDatabaseWrapper, found: Collector) -> dict[str, int]:
    """Reads each statement and its entries once, in the order of accounts and numbers.

    Gives the number of statements by their name.
    """
    count = 0
    before: _Row | None = None
    for rows in _pages(connection):
        count += len(rows)
        seals = _seals(connection, rows)
        entries = entries_of([_range(row) for row in rows], _EVER, connection=connection)
        entry = next(entries, None)
        for place, row in enumerate(rows):
            totals, misplaced = EntryTotals(row.opening_balance), list[StatedEntry]()
            while entry is not None and entry.place == place:
                belongs = entry.sequence <= row.last_sequence
                if belongs:
                    totals.add(entry)
                is_early = belongs and entry.posted_at < row.starts_at
                if is_early or belongs != (entry.posted_at < row.ends_at):
                    misplaced.append(entry)
                entry = next(entries, None)
            same = before is not None and before.account_id == row.account_id
            _Checked(row, before if same else None, totals, misplaced, found).run()
            if row.seal_number is not None and seals is not None:
                _report(found, row, "seal", seals.get(row.seal_number), row.seal_digest)
            before = row
    return {"statements": count}


def _range(row: _Row) -> EntryRange:
    """The entries of the statement, and the one after them."""
    last = min(row.last_sequence + 1, row.last_of_account)
    return EntryRange(row.account_id, row.first_sequence, last)


def _pages(connection: BaseDatabaseWrapper) -> Iterator[list[_Row]]:
    rows = Statement.objects.using(connection.alias).order_by("account_id", "number")
    after = Q()
    while True:
        page = [_Row(*row) for row in rows.filter(after).values_list(*_COLUMNS)[:_AT_ONCE]]
        if not page:
            return
        yield page
        last = page[-1]
        after = Q(account__gt=last.account_id) | Q(account=last.account_id, number__gt=last.number)


def _seals(connection: BaseDatabaseWrapper, rows: Sequence[_Row]) -> dict[int, str] | None:
    """The digests of the seals that these statements name; None in a bank without seals.

    An import may leave the seals out.
    """
    known = Seal.objects.using(connection.alias).order_by()
    named = {row.seal_number for row in rows if row.seal_number is not None}
    if not named or not known.exists():
        return None
    return dict(known.filter(number__in=named).values_list("number", "digest"))


class _Checked:
    """A statement beside the one before it and its entries."""

    def __init__(
        self,
        row: _Row,
        before: _Row | None,
        totals: EntryTotals,
        misplaced: Sequence[StatedEntry],
        found: Collector,
    ) -> None:
        self.row, self.before, self.totals = row, before, totals
        self._misplaced, self._found = misplaced, found

    def run(self) -> None:
        row, before, totals = self.row, self.before, self.totals
        self._same("number", (before.number if before else 0) + 1, row.number)
        self._same("number", before and before.id, row.previous_id)
        if before:
            self._same("period", rfc_3339(before.ends_at), rfc_3339(row.starts_at))
        self._same("range", (before.last_sequence if before else 0) + 1, row.first_sequence)
        closing = before.closing_balance if before else 0
        self._same("opening_balance", from_units(closing), from_units(row.opening_balance))
        self._same("entries", totals.count, row.entries)
        self._same("entries", row.first_sequence + row.entries - 1, row.last_sequence)
        self._same("entries", from_units(totals.debits), from_units(row.total_debits))
        self._same("entries", from_units(totals.credits), from_units(row.total_credits))
        self._same("entries", from_units(totals.balance), from_units(row.closing_balance))
        for entry in self._misplaced[:1]:
            words = f"a cut at {rfc_3339(row.ends_at)}"
            if entry.posted_at < row.starts_at:
                words = f"none before {rfc_3339(row.starts_at)}"
            self._same("cut", words, rfc_3339(entry.posted_at))
        self._same("currency", row.currency, row.stated_currency)
        self._same_month()
        digest = statement_digest(
            secret=row.secret,
            account_id=row.account_id,
            account_number=row.account_number,
            currency=row.currency,
            number=row.number,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            first_sequence=row.first_sequence,
            opening_balance=row.opening_balance,
            entries=totals,
            previous_digest=before.digest if before else "",
        )
        self._same("digest", digest, row.digest)

    def _same_month(self) -> None:
        try:
            zone = ZoneInfo(self.row.time_zone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            self._same("time_zone", "a time zone", self.row.time_zone)
            return
        last = (self.row.ends_at - _TICK).astimezone(zone)
        self._same("month", f"{last:%Y-%m}", self.row.period)

    def _same(self, rule: str, expected: object, found: object) -> None:
        _report(self._found, self.row, rule, expected, found)


def _report(collector: Collector, row: _Row, rule: str, expected: object, found: object) -> None:
    """Adds a finding about the statement unless the two are the same."""
    if expected == found:
        return
    where: dict[str, str | int] = {
        "account_number": row.account_number,
        "account_id": str(row.account_id),
        "statement_id": str(row.id),
        "statement_number": row.number,
    }
    collector.add(f"B1.statement_{rule}", _SAYS[rule], Place(where, _text(expected), _text(found)))


def _text(value: object) -> str:
    return "none" if value is None else str(value)
