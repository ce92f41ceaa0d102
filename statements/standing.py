"""How far the statements of accounts have come, and which months are missing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, OuterRef, QuerySet, Subquery

from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType, AccountKind, AccountStatus
from core.errors import NotFound
from core.money import raw_units
from statements.models import Statement
from statements.periods import Month
from transactions.models import Entry
from transactions.statistics.spans import Calendar

_ACCOUNTS_AT_ONCE = 500


class LastStatement(NamedTuple):
    """The newest statement of an account; amounts in units of 1/10,000."""

    account_id: UUID
    id: UUID
    number: int
    period: str
    ends_at: datetime
    last_sequence: int
    closing_balance: int
    digest: str
    issued_at: datetime


class AccountStanding(NamedTuple):
    """A customer's account, its newest statement and, if it is closed, the moment of that."""

    id: UUID
    number: str
    currency: str
    status: str
    last_sequence: int
    created_at: datetime
    last: LastStatement | None = None
    closed_at: datetime | None = None
    first_posted_at: datetime | None = None

    @property
    def began_at(self) -> datetime:
        """The opening, or the first entry: an imported account may have older ones."""
        return min(self.created_at, self.first_posted_at or self.created_at)

    def missing(self, until: Month, calendar: Calendar) -> Iterator[Month]:
        """The months without a statement, up to and including `until`, in their order.

        From the month of the opening on, or of an older first entry. A closed account gets none for
        the months that begin after its closing; if it is reopened, these are missing.
        """
        if self.last is None:
            month = Month.of(self.began_at, calendar)
        else:
            month = Month.parse(self.last.period).next
        while month <= until:
            if self.closed_at is not None and month.starts_at(calendar) > self.closed_at:
                return
            yield month
            month = month.next


def standing_of(account_id: UUID) -> AccountStanding:
    """The standing of one account. Raises NotFound unless it is a customer's."""
    for found in _complete(_accounts().filter(pk=account_id)):
        return found
    raise NotFound(f"There is no customer's account {account_id}.")


def all_standings(opened_before: datetime) -> Iterator[list[AccountStanding]]:
    """All customers' accounts opened before this moment, some hundred at a time, by their ids."""
    rows = _accounts().filter(created_at__lt=opened_before).order_by("pk")
    after: UUID | None = None
    while True:
        part = rows if after is None else rows.filter(pk__gt=after)
        found = _complete(part[:_ACCOUNTS_AT_ONCE])
        if not found:
            return
        yield found
        after = found[-1].id


def count_of_accounts(opened_before: datetime) -> int:
    """How many accounts `all_standings` gives."""
    return _accounts().filter(created_at__lt=opened_before).count()


def newest_numbers(account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The number of each account's newest statement; an account without one is left out."""
    rows = Statement.objects.filter(account_id__in=account_ids).order_by()
    return dict(rows.values_list("account_id").annotate(Max("number")))


def _accounts() -> QuerySet[Account]:
    return Account.objects.filter(kind=AccountKind.CUSTOMER)


_COLUMNS = ("id", "number", "currency", "status", "last_sequence", "created_at")


def _complete(rows: QuerySet[Account]) -> list[AccountStanding]:
    accounts = [AccountStanding(*row) for row in rows.values_list(*_COLUMNS)]
    ids = [account.id for account in accounts]
    lasts = _last_statements(ids)
    closed = [one.id for one in accounts if one.status == AccountStatus.CLOSED]
    closings = _closings(closed) if closed else {}
    firsts = _first_entries(ids)
    return [
        account._replace(
            last=lasts.get(account.id),
            closed_at=closings.get(account.id),
            first_posted_at=firsts.get(account.id),
        )
        for account in accounts
    ]


def _last_statements(account_ids: Sequence[UUID]) -> dict[UUID, LastStatement]:
    of_account = Statement.objects.filter(account=OuterRef("account")).order_by("-number")
    newest = Subquery(of_account.values("number")[:1])
    rows = Statement.objects.filter(account_id__in=account_ids, number=newest).order_by()
    columns = (
        raw_units(name) if name == "closing_balance" else name for name in LastStatement._fields
    )
    return {row[0]: LastStatement(*row) for row in rows.values_list(*columns)}


def _first_entries(account_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    if not account_ids:
        return {}
    rows = Entry.objects.filter(account__in=account_ids, sequence=1).order_by()
    return dict(rows.values_list("account", "posted_at"))


def _closings(account_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    events = AccountEvent.objects.filter(
        account_id__in=account_ids, event=AccountEventType.CLOSED
    ).order_by()
    return dict(events.values_list("account_id").annotate(Max("at")))
