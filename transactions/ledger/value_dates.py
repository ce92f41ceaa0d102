"""Value dates: the moment from which an amount counts, whenever it is posted."""

from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings

from core.commands import Origin
from core.counts import count_of
from core.errors import FieldError, InvalidInput, PermissionDenied


class Dated(Protocol):
    """The part of a money command that determines its value date."""

    @property
    def effective_at(self) -> datetime | None: ...

    @property
    def scheduled_for(self) -> datetime | None: ...


class BadValueDate(InvalidInput):
    """A value date that is not allowed now. It may have been allowed earlier."""


def value_date(command: Dated, origin: Origin, now: datetime) -> datetime:
    """Returns the value date of a request made at `now`. It never changes afterwards.

    It is the past date that staff set; for a scheduled request, the scheduled moment, even if it is
    posted late; otherwise `now`. Posting order never depends on it.

    Raises PermissionDenied if a customer sets one. Raises BadValueDate for a date in the future,
    more than BANK_BACKDATE_DAYS back, or combined with `scheduled_for`, and for any date if that
    setting is 0.
    """
    wanted = command.effective_at
    if wanted is None:
        return now if command.scheduled_for is None else max(command.scheduled_for, now)
    if origin.as_customer:
        raise PermissionDenied("Only staff may give a value date.")
    days = settings.BANK_BACKDATE_DAYS
    if not days:
        raise _bad("not_allowed", "This bank takes no value dates.")
    if command.scheduled_for is not None:
        raise _bad("scheduled", "The value date of a scheduled transaction is its scheduled time.")
    if wanted > now:
        raise _bad("in_the_future", "A value date lies in the past.")
    if wanted < now - timedelta(days=days):
        raise _bad("too_long_ago", f"A value date lies at most {count_of(days, 'day')} back.")
    return wanted


def _bad(code: str, detail: str) -> BadValueDate:
    return BadValueDate(errors=[FieldError("/effective_at", code, detail)])
