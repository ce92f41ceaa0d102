"""Value dates that staff give: from when an amount counts, whenever it is posted."""

from datetime import datetime, timedelta

from django.conf import settings

from core.commands import Origin
from core.errors import FieldError, InvalidInput, PermissionDenied


def value_date(wanted: datetime | None, origin: Origin, now: datetime) -> datetime:
    """The value date of what is asked for at `now`: that moment, or a past one that staff give.

    Raises PermissionDenied for a customer; InvalidInput for one in the future or more than
    BANK_BACKDATE_DAYS back, and for any where that is 0. Posting order never depends on it.
    """
    if wanted is None:
        return now
    if origin.as_customer:
        raise PermissionDenied("A value date is for staff to give.")
    days = settings.BANK_BACKDATE_DAYS
    if not days:
        raise _invalid("not_allowed", "This bank takes no value dates.")
    if wanted > now:
        raise _invalid("in_the_future", "A value date lies in the past.")
    if wanted < now - timedelta(days=days):
        raise _invalid("too_long_ago", f"A value date lies at most {days} days back.")
    return wanted


def _invalid(code: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("/effective_at", code, detail)])
