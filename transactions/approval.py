"""Four eyes: which amounts a second person must let through."""

from django.conf import settings

from core.money import to_units


def needs_approval(amount: int, currency: str) -> bool:
    """Whether an amount, in 1/10,000 of the main unit, is at or above its currency's threshold."""
    threshold = settings.BANK_APPROVAL_THRESHOLDS.get(currency)
    return threshold is not None and amount >= to_units(threshold)
