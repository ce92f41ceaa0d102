"""Types of the audit log: entries, search criteria, and sources."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Account
from core.identifiers import lowest_uuid7


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action: who did what, when, from where, to what, and why."""

    at: datetime
    who: str
    address: str
    what: str
    about: str = ""
    id: str = ""
    link: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The search criteria. The time range is half-open; `user_id` is the id of `who`, or None."""

    who: str = ""
    user_id: int | None = None
    account: Account | None = None
    transaction_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    automatic: bool = False

    @property
    def is_about_money(self) -> bool:
        return self.account is not None or self.transaction_id is not None

    def by(self, column: str) -> Q:
        """Rows whose `column` is the wanted user. No rows if there is no such user."""
        if not self.who:
            return Q()
        return Q(**{column: self.user_id}) if self.user_id else Q(pk__in=())

    def within(self, column: str) -> Q:
        span = Q()
        if self.start:
            span &= Q(**{f"{column}__gte": self.start})
        if self.end:
            span &= Q(**{f"{column}__lt": self.end})
        return span

    def within_ids(self) -> Q:
        """The time range as a range of UUIDv7 ids."""
        span = Q()
        if self.start:
            span &= Q(pk__gte=lowest_uuid7(self.start))
        if self.end:
            span &= Q(pk__lt=lowest_uuid7(self.end))
        return span


@dataclass(frozen=True, slots=True)
class AuditSource:
    """One log. `rows` gives the matching rows, or None if no row can match.

    `all_rows` gives all rows of the time range. If `is_long`, one page scans only a bounded number
    of them.
    """

    name: str
    label: str
    all_rows: Callable[[Wanted], QuerySet[Any]]
    rows: Callable[[Wanted], QuerySet[Any] | None]
    entry: Callable[[Any], AuditEntry]
    is_long: bool = False
    parse_id: Callable[[str], Any] = field(default=UUID)
