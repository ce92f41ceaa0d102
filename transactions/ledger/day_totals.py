"""Four eyes over a day: what a maker has moved without a second person, and what waits for one.

A maker is who asks (`created_by`); all that nobody asks for by name has one maker, None. A day is
the bank's (`TIME_ZONE`), and a movement belongs to the day on which it was asked for. What failed
does not count, nor what waits for a second person or was approved by one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from core import bulkhead
from core.bulkhead import STUCK_SECONDS
from core.contention import retrying
from core.four_eyes import business_day, daily_limits
from core.money import raw_units
from core.sql.cursors import prepared_cursor
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.states import TransactionStatus

Maker = int | None
T = TypeVar("T")

# The class of the advisory locks of makers. Nobody's is 0, which is the id of no user.
_MAKER_LOCKS = 7_064_009
_LOCK = f"SELECT pg_advisory_xact_lock({_MAKER_LOCKS}, maker) FROM unnest(%s::int[]) AS maker"  # noqa: S608 - a constant
# As in `accounts.locks`: it costs no statement of its own.
_LOCK_SOON = f"{_LOCK} WHERE set_config('lock_timeout', '{STUCK_SECONDS * 1000:.0f}ms', true) <> ''"


def in_turn(run: Callable[[], T]) -> T:
    """`run`, in a database transaction of its own if the bank has daily limits: it locks makers.

    Raises Busy as `core.contention.retrying` does.
    """
    return retrying(run) if daily_limits() else run()


@dataclass(slots=True)
class DayTotals:
    """What makers have moved on their days, in units by currency, kept while a list is worked on.

    `limits` are those of the bank, in units by currency. Without any nothing is read.
    """

    limits: dict[str, int] = field(default_factory=daily_limits)
    _moved: dict[tuple[Maker, date, str], int] = field(default_factory=dict)

    def lock(self, makers: Iterable[Maker]) -> None:
        """Nobody else reads or adds to what these makers have moved until the transaction ends.

        One statement on PostgreSQL, in the order of their ids, after rows of the journal and before
        accounts; none without limits, nor on SQLite, which has one writer. Raises Busy as
        `accounts.locks.lock_accounts` does. Must run inside a transaction.
        """
        wanted = {maker or 0 for maker in makers}
        if not (self.limits and wanted) or connection.vendor != "postgresql":
            return
        assert connection.in_atomic_block
        has_place = bulkhead.enter({("maker", one) for one in wanted})
        with prepared_cursor() as cursor:
            cursor.execute(_LOCK if has_place else _LOCK_SOON, [sorted(wanted)])
        bulkhead.leave()

    def read(self, maker: Maker, moment: datetime) -> None:
        """What the maker, who is locked, has moved on the day of that moment. One statement.

        Must come before anything of the list is written.
        """
        if not self.limits:
            return
        day = business_day(moment)
        for currency, units in _moved_on(day, maker):
            self._moved[maker, day, currency] = int(units)

    def add(self, row: JournalRow) -> None:
        """Counts the row for those that come after it in the list, if it goes through."""
        is_through = not row.approval_required and row.status != TransactionStatus.FAILED
        if is_through and row.currency in self.limits:
            key = _key(row)
            self._moved[key] = self._moved.get(key, 0) + row.amount

    def read_all(self, makers: Iterable[tuple[Maker, datetime | None]], now: datetime) -> None:
        """Reads each maker's day. A moment that is None stands for `now`."""
        for maker, asked_at in makers:
            self.read(maker, asked_at or now)

    def is_exceeded_by(self, row: JournalRow) -> bool:
        """Whether the row would take its maker's day above the limit."""
        limit = self.limits.get(row.currency)
        return limit is not None and self._moved.get(_key(row), 0) + row.amount > limit


def _key(row: JournalRow) -> tuple[Maker, date, str]:
    return row.created_by_id, business_day(row.created_at), row.currency


def _moved_on(day: date, maker: Maker) -> Iterable[tuple[str, int]]:
    """By currency, read from the index of makers and moments."""
    is_maker = Q(created_by__isnull=True) if maker is None else Q(created_by_id=maker)
    through = Transaction.objects.filter(
        is_maker,
        created_at__gte=_midnight(day),
        created_at__lt=_midnight(day + timedelta(days=1)),
        approval_required=False,
    ).exclude(status=TransactionStatus.FAILED)
    return through.order_by().values_list("currency").annotate(units=Sum(raw_units("amount")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_default_timezone())
