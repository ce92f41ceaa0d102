"""Value dates: from when an amount counts, whenever it is posted."""

from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings

from core.commands import Origin
from core.errors import FieldError, InvalidInput, PermissionDenied


class Dated(Protocol):
    """As much of a money command as says from when its amount counts."""

    @property
    def effective_at(self) -> datetime | None: ...

    @property
    def scheduled_for(self) -> datetime | None: ...


class BadValueDate(InvalidInput):
    """A value date that cannot be given now. An earlier moment may have taken it."""


def value_date(command: Dated, origin: Origin, now: datetime) -> datetime:
    """The value date of what is asked for at `now`, which never changes afterwards.

    That is the past one that staff give; of what is scheduled, the moment it is scheduled for, even
    if it is posted late; else `now`. Posting order never depends on it.

    Raises PermissionDenied for a customer who gives one; BadValueDate for one in the future, more
    than BANK_BACKDATE_DAYS back, or with `scheduled_for`, and for any where that setting is 0.
    """
    wanted = command.effective_at
    if wanted is None:
        return now if command.scheduled_for is None else max(command.scheduled_for, now)
    if origin.as_customer:
        raise PermissionDenied("A value date is for staff to give.")
    days = settings.BANK_BACKDATE_DAYS
    if not days:
        raise _bad("not_allowed", "This bank takes no value dates.")
    if command.scheduled_for is not None:
        raise _bad("scheduled", "What is scheduled counts from when it is scheduled for.")
    if wanted > now:
        raise _bad("in_the_future", "A value date lies in the past.")
    if wanted < now - timedelta(days=days):
        unit = "day" if days == 1 else "days"
        raise _bad("too_long_ago", f"A value date lies at most {days} {unit} back.")
    return wanted


def _bad(code: str, detail: str) -> BadValueDate:
    return BadValueDate(errors=[FieldError("/effective_at", code, detail)])
