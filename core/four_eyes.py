"""From which size on something needs a second person."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from core.money import to_units


def is_large(amount: Decimal, currency: str) -> bool:
    """Whether an amount, in main units, is at or above its currency's threshold."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and amount >= threshold


def thresholds() -> dict[str, int]:
    """By currency, in units, from what on one movement needs a second person."""
    return _in_units(settings.BANK_APPROVAL_THRESHOLDS)


def daily_limits() -> dict[str, int]:
    """By currency, in units, up to what one maker moves on a day without a second person."""
    return _in_units(settings.BANK_APPROVAL_DAILY_THRESHOLDS)


def business_day(moment: datetime) -> date:
    """The bank's own day of the moment, whatever the time zone of whoever asks."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def _in_units(amounts: Mapping[str, Decimal]) -> dict[str, int]:
    return {currency: to_units(amount) for currency, amount in amounts.items()}
