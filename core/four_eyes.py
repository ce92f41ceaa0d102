"""From which size on something needs a second person."""

from django.conf import settings

from core.money import to_units


def is_large(units: int, currency: str) -> bool:
    """Whether an amount, in 1/10,000 of the main unit, is at or above its currency's threshold."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and units >= to_units(threshold)
