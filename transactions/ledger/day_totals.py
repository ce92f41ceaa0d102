"""Daily approval thresholds: how much a maker has moved today without a second person.

The maker is the user who asks (`created_by`); all movements without a user share one maker, None.
A day is the bank's (`BANK_TIME_ZONE`), and a movement belongs to the day on which it was requested.
Movements that failed, that wait for approval or that were approved do not count.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from core import bulkhead
from core.bulkhead import STUCK_SECONDS
from core.contention import retrying
from core.days import midnight
from core.four_eyes import business_day, daily_limits
from core.money import raw_units
from core.sql.cursors import prepared_rows
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.states import TransactionStatus

Maker = int | None
T = TypeVar("T")

# The class of the makers' advisory locks. None locks as 0, which is no user's id.
_MAKER_LOCKS = 7_064_009
# Sets the time-out in the same statement, as in `accounts.locks`.
_SOON = f"set_config('lock_timeout', '{STUCK_SECONDS * 1000:.0f}ms', true)"
# A list that has its maker waits for nothing else for long: all of the maker's lists wait with it.
_LOCK = (
    f"SELECT pg_advisory_xact_lock({_MAKER_LOCKS}, maker), {_SOON}"  # noqa: S608 - constants
    " FROM unnest(%s::int[]) AS maker"
)
_LOCK_SOON = f"{_LOCK} WHERE {_SOON} <> ''"


def in_turn(run: Callable[[], T]) -> T:
    """Calls `run`, in a database transaction if the bank has daily limits, since it locks makers.

    So on SQLite, where the moment of a new row must be that of the only writer: the feed's order.
    Raises Busy as `core.contention.retrying` does.
    """
    return retrying(run) if daily_limits() or connection.vendor == "sqlite" else run()


@dataclass(slots=True)
class DayTotals:
    """The amounts that makers have moved on their days, in units by currency, for one list.

    `limits` are the bank's, in units by currency. Without limits nothing is read.
    """

    limits: dict[str, int] = field(default_factory=daily_limits)
    _moved: dict[tuple[Maker, date, str], int] = field(default_factory=dict)

    @classmethod
    def locked(
        cls,
        makers: Collection[tuple[Maker, datetime | None]],
        now: datetime,
        *,
        in_group: bool = False,
    ) -> "DayTotals":
        """Returns the totals of these makers' days, locked by `lock` and read by `read_all`."""
        totals = cls()
        totals.lock((maker for maker, _ in makers), in_group=in_group)
        totals.read_all(makers, now)
        return totals

    def lock(self, makers: Iterable[Maker], *, in_group: bool = False) -> None:
        """Locks the makers' totals against reads and changes until the transaction ends.

        One statement on PostgreSQL, in the order of their ids, after rows of the journal and
        accounts: nobody waits for an account while holding a maker. Locks nothing without
        limits, nor on SQLite, which has one writer. Raises Busy as `accounts.locks.lock_accounts`
        does. With `in_group` it waits as `lock_accounts_of_group` does, which has set the time-out.
        Must run inside a transaction.
        """
        wanted = {maker or 0 for maker in makers}
        if not (self.limits and wanted) or connection.vendor != "postgresql":
            return
        assert connection.in_atomic_block
        has_place = in_group or bulkhead.enter({("maker", one) for one in wanted})
        prepared_rows(_LOCK if has_place else _LOCK_SOON, [sorted(wanted)])
        bulkhead.leave()

    def read(self, maker: Maker, moment: datetime) -> None:
        """Reads the total of a locked maker on the day of that moment. One statement.

        Call it before anything of the list is written.
        """
        if not self.limits:
            return
        day = business_day(moment)
        for currency, units in _moved_on(day, maker):
            self._moved[maker, day, currency] = int(units)

    def add(self, row: JournalRow) -> None:
        """Adds the row to its maker's total if it goes through; later rows of the list see it."""
        is_through = not row.approval_required and row.status != TransactionStatus.FAILED
        if is_through and row.currency in self.limits:
            key = _key(row)
            self._moved[key] = self._moved.get(key, 0) + row.amount

    def read_all(self, makers: Iterable[tuple[Maker, datetime | None]], now: datetime) -> None:
        """Reads each maker's days, by a statement each. The moment None means `now`."""
        moments = {(maker, business_day(at or now)): at or now for maker, at in makers}
        for (maker, _), moment in moments.items():
            self.read(maker, moment)

    def is_exceeded_by(self, row: JournalRow) -> bool:
        """Whether the row would take its maker's total for the day above the limit."""
        limit = self.limits.get(row.currency)
        return limit is not None and self._moved.get(_key(row), 0) + row.amount > limit


def _key(row: JournalRow) -> tuple[Maker, date, str]:
    return row.created_by_id, business_day(row.created_at), row.currency


def _moved_on(day: date, maker: Maker) -> Iterable[tuple[str, int]]:
    """Returns the total by currency, from the index of makers and moments."""
    zone = timezone.get_default_timezone()
    is_maker = Q(created_by__isnull=True) if maker is None else Q(created_by_id=maker)
    through = Transaction.objects.filter(
        is_maker,
        created_at__gte=midnight(day, zone),
        created_at__lt=midnight(day + timedelta(days=1), zone),
        approval_required=False,
    ).exclude(status=TransactionStatus.FAILED)
    return through.order_by().values_list("currency").annotate(units=Sum(raw_units("amount")))
