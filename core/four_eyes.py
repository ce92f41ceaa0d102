"""Thresholds above which an operation needs a second person."""

from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from core.money import to_units


def is_large(amount: Decimal, currency: str) -> bool:
    """Whether an amount, in main units, is at or above its currency's threshold."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and amount >= threshold


def is_large_movement(units: int, currency: str) -> bool:
    """As `is_large`, for an amount in units."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and units >= to_units(threshold)


def daily_limits() -> dict[str, int]:
    """By currency, in units, the most that one maker may move on a day without a second person."""
    amounts = settings.BANK_APPROVAL_DAILY_THRESHOLDS
    return {currency: to_units(amount) for currency, amount in amounts.items()}


def business_day(moment: datetime) -> date:
    """The bank's own day of the moment, whatever the time zone of the caller."""
    return timezone.localdate(moment, timezone.get_default_timezone())
