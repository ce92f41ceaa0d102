"""Issues statements: each account and month once, however often anyone asks.

A month can be issued once nothing more can be posted in it: its end has passed by the bank's clock,
and every posting that was under way then has ended. From then on a posting gets a later moment, so
the month's entries are a range of the account's sequence for ever, and nobody has to be kept from
posting.

Entries are read and added up without a lock. Only the writing of some hundred statements is a
database transaction. It holds the lock of statements, and leaves out accounts whose statements have
gone on meanwhile. So two runs at once, and a run after a killed one, do nothing twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import DataError, IntegrityError, connection

from accounts.locks import settled_account
from core import clock
from core.commands import Origin
from core.contention import retrying
from core.errors import InvalidTransition
from core.failpoints import failpoint
from core.failures import told
from core.heartbeat import watched
from core.identifiers import uuid7
from core.money import from_units
from core.settled import settled_moment
from seals.models import Seal
from seals.selectors import newest_seal
from statements.drafts import Draft, Series
from statements.entries import entries_of
from statements.models import Statement
from statements.periods import Month, wrong_period
from statements.standing import AccountStanding, all_standings, newest_numbers, standing_of
from transactions.statistics.spans import Calendar

# Any constant not used by another lock of the database.
_STATEMENTS_LOCK = 7_064_011
# A database transaction writes about this many statements.
_WRITTEN_AT_ONCE = 500
_TICK = timedelta(microseconds=1)


# What an account itself causes: amounts beyond all bounds, or statements that do not join.
_OF_AN_ACCOUNT = (ValueError, ArithmeticError, DataError, IntegrityError)


class AccountsFailed(InvalidTransition):
    """No statement could be issued for some accounts; `issued` counts those of all others.

    `numbers` are the numbers of the failed accounts.
    """

    def __init__(self, failed: Mapping[str, str], issued: int) -> None:
        self.numbers, self.issued = list(failed), issued
        reasons = "; ".join(f"{number}: {reason}" for number, reason in failed.items())
        super().__init__(
            f"No statement could be issued for {len(failed)} of the accounts: {reasons}"
        )


def last_ended_month(calendar: Calendar | None = None) -> Month:
    """The month before the present one, by the bank's clock."""
    calendar = calendar or Calendar()
    return Month.of(clock.now(), calendar).previous


def issue_for_all(
    until: Month, *, origin: Origin, progress: Callable[[int], None] = lambda _accounts: None
) -> int:
    """Issues what is missing up to and including the month `until`, and returns how many.

    Accounts opened later get none. Calls `progress` with the number of accounts done. An account
    whose statements the database refuses does not keep others from theirs.

    Raises InvalidInput if the month has not ended; Busy if postings under way do not end in time;
    AccountsFailed at the end, if there was such an account.
    """
    work = _Work(until, origin)
    work.require_end(settled_moment)
    for accounts in all_standings(until.ends_at(work.calendar)):
        work.take(accounts)
        progress(len(accounts))
    work.require_success()
    return work.issued


def issue_for_account(
    account_id: UUID,
    until: Month,
    *,
    origin: Origin,
    new_id: Callable[[datetime, int], UUID] = uuid7,
) -> int:
    """As `issue_for_all`, for one customer's account.

    `new_id` gives the id of each statement from the moment and its index.

    Raises NotFound, also for an internal account, and InvalidInput also for a month before that of
    the opening.
    """
    work = _Work(until, origin, new_id=new_id)
    work.require_end(lambda: _settled(account_id))
    account = standing_of(account_id)
    _require_opened(account, until, work.calendar)
    work.take([account])
    work.require_success()
    return work.issued


def missing_for_all(until: Month) -> Iterator[list[Month]]:
    """The months that `issue_for_all` would issue, account by account."""
    calendar = Calendar()
    for accounts in all_standings(until.ends_at(calendar)):
        yield from (list(account.missing(until, calendar)) for account in accounts)


def missing_for_account(account_id: UUID, until: Month) -> list[Month]:
    """The months that `issue_for_account` would issue. Raises its errors, except Busy."""
    calendar = Calendar()
    account = standing_of(account_id)
    _require_opened(account, until, calendar)
    return list(account.missing(until, calendar))


def require_ended(until: Month) -> None:
    """Raises InvalidInput unless the month has ended by the bank's clock."""
    _Work(until, Origin()).require_end(clock.now)


def _require_opened(account: AccountStanding, until: Month, calendar: Calendar) -> None:
    opened = Month.of(account.began_at, calendar)
    if until < opened:
        raise wrong_period("before_account", f"The account was opened later, in {opened}.")


def _settled(account_id: UUID) -> datetime:
    """A moment until which nothing more can be posted to the account."""
    locked_at = settled_account(account_id).locked_at
    assert locked_at is not None, "The account was not opened in this database transaction."
    return locked_at


@dataclass(slots=True)
class _Work:
    """A run in progress."""

    until: Month
    origin: Origin
    calendar: Calendar = field(default_factory=Calendar)
    new_id: Callable[[datetime, int], UUID] = uuid7
    issued: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def require_end(self, settled: Callable[[], datetime]) -> None:
        """Raises InvalidInput unless the month has ended.

        `settled` gives a moment until which nothing more can be posted, and may wait for it.
        """
        ends_at = self.until.ends_at(self.calendar)
        if clock.now() < ends_at or settled() < ends_at:
            raise wrong_period("not_ended", f"The month {self.until} has not ended.")

    def require_success(self) -> None:
        """Raises AccountsFailed if an account has failed."""
        if self.failed:
            raise AccountsFailed(self.failed, self.issued)

    def take(self, accounts: Sequence[AccountStanding]) -> None:
        """Issues what these accounts lack. If one fails, it tries each alone, and keeps that one.

        What was written before the failure is left out the second time, as if others had done it.
        """
        try:
            self._take(accounts)
        except _OF_AN_ACCOUNT as error:
            if len(accounts) == 1:
                self.failed[accounts[0].number] = told(error)
                return
            for account in accounts:
                self.take([account])

    def _take(self, accounts: Iterable[AccountStanding]) -> None:
        series = [
            Series(account, months, self.calendar)
            for account in accounts
            if (months := list(account.missing(self.until, self.calendar)))
        ]
        ends_at = self.until.ends_at(self.calendar)
        for entry in watched(entries_of((one.range for one in series), ends_at)):
            series[entry.place].add(entry)
        for one in series:
            one.finish()
        for part in _parts(series):
            failpoint("statements.drawn_up")
            self.issued += retrying(partial(self._write, part))
            failpoint("statements.committed")

    def _write(self, series: Sequence[Series]) -> int:
        """Stores the drafts in this database transaction, and returns how many.

        Leaves out accounts whose statements have gone on meanwhile.
        """
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STATEMENTS_LOCK])
        numbers = newest_numbers([one.account.id for one in series])
        wanted = [
            one for one in series if numbers.get(one.account.id, 0) == one.drafts[0].number - 1
        ]
        # Later than the statements before, so that ids are in the order of the numbers.
        lasts = (one.account.last for one in wanted)
        now = max([clock.now(), *(last.issued_at + _TICK for last in lasts if last)])
        rows: list[Statement] = []
        seal = newest_seal()
        for one in wanted:
            previous = one.account.last.id if one.account.last else None
            for draft in one.drafts:
                identifier = self.new_id(now, len(rows))
                rows.append(
                    self._row(identifier, one.account, draft, previous=previous, now=now, seal=seal)
                )
                previous = identifier
        Statement.objects.bulk_create(rows)
        failpoint("statements.written")
        return len(rows)

    def _row(
        self,
        identifier: UUID,
        account: AccountStanding,
        draft: Draft,
        *,
        previous: UUID | None,
        now: datetime,
        seal: Seal | None,
    ) -> Statement:
        totals = draft.entries
        return Statement(
            id=identifier,
            account_id=account.id,
            number=draft.number,
            period=str(draft.month),
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            time_zone=self.calendar.name,
            currency=account.currency,
            first_sequence=draft.first_sequence,
            last_sequence=draft.last_sequence,
            count=totals.count,
            opening_balance=from_units(draft.opening_balance),
            closing_balance=from_units(totals.balance),
            total_debits=from_units(totals.debits),
            total_credits=from_units(totals.credits),
            previous_id=previous,
            secret=draft.secret,
            digest=draft.digest,
            seal_number=seal.number if seal else None,
            seal_digest=seal.digest if seal else "",
            issued_at=now,
            issued_by_id=self.origin.user_id,
            caller=self.origin.caller,
        )


def _parts(series: Iterable[Series]) -> Iterator[list[Series]]:
    """Whole accounts, with some hundred statements together."""
    part: list[Series] = []
    for one in series:
        part.append(one)
        if sum(len(other.drafts) for other in part) >= _WRITTEN_AT_ONCE:
            yield part
            part = []
    if part:
        yield part
