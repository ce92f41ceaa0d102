"""Statements that are being added up, entry by entry, and are not stored yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from statements.digests import EntryTotals, new_secret, statement_digest
from statements.entries import EntryRange, StatedEntry
from statements.periods import Month
from statements.standing import AccountStanding
from transactions.statistics.spans import Calendar


@dataclass(slots=True)
class Draft:
    """A statement that is being added up. Amounts in units."""

    month: Month
    number: int
    starts_at: datetime
    ends_at: datetime
    first_sequence: int
    opening_balance: int
    entries: EntryTotals
    secret: str = field(default_factory=new_secret)
    digest: str = ""

    @property
    def last_sequence(self) -> int:
        return self.first_sequence + self.entries.count - 1


class Series:
    """The missing statements of one account, drawn up in their order."""

    def __init__(
        self, account: AccountStanding, months: Sequence[Month], calendar: Calendar
    ) -> None:
        self.account = account
        self.drafts: list[Draft] = []
        self._months = list(months)
        self._calendar = calendar
        self._begin()

    @property
    def range(self) -> EntryRange:
        """All entries that may belong to these months."""
        return EntryRange(
            self.account.id, self.drafts[0].first_sequence, self.account.last_sequence
        )

    def add(self, entry: StatedEntry) -> None:
        """Adds the next entry. One that was posted after the last month is left for later."""
        while entry.posted_at >= self.drafts[-1].ends_at:
            if not self._months:
                return
            self._begin()
        self.drafts[-1].entries.add(entry)

    def finish(self) -> None:
        """Draws up the months after the last entry."""
        while self._months:
            self._begin()
        self._end()

    def _begin(self) -> None:
        month, last = self._months.pop(0), self.account.last
        ends_at = month.ends_at(self._calendar)
        if self.drafts:
            self._end()
            before = self.drafts[-1]
            number, starts_at = before.number + 1, before.ends_at
            first, balance = before.last_sequence + 1, before.entries.balance
        elif last:
            number, starts_at = last.number + 1, last.ends_at
            first, balance = last.last_sequence + 1, last.closing_balance
        else:
            number, starts_at, first, balance = 1, month.starts_at(self._calendar), 1, 0
        totals = EntryTotals(balance)
        self.drafts.append(Draft(month, number, starts_at, ends_at, first, balance, totals))

    def _end(self) -> None:
        """Computes the digest of the newest draft, which has all its entries."""
        draft = self.drafts[-1]
        if len(self.drafts) > 1:
            previous_digest = self.drafts[-2].digest
        else:
            previous_digest = self.account.last.digest if self.account.last else ""
        draft.digest = statement_digest(
            secret=draft.secret,
            account_id=self.account.id,
            account_number=self.account.number,
            currency=self.account.currency,
            number=draft.number,
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            first_sequence=draft.first_sequence,
            opening_balance=draft.opening_balance,
            entries=draft.entries,
            previous_digest=previous_digest,
        )
