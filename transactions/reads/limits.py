"""The limits of an account's payments, and what is left of them on the bank's day."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.locks import LockedAccount
from accounts.models import Account
from core import clock
from core.money import from_units
from transactions.ledger.spending import read_spending


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Amounts are in main units; None is no limit. Without daily limits nothing is added up."""

    currency: str
    max_amount: Decimal | None
    daily_amount: Decimal | None
    daily_count: int | None
    paid_today: Decimal | None = None
    payments_today: int | None = None
    left_today: Decimal | None = None
    day_ends_at: datetime | None = None


def limits_of(account: Account) -> AccountLimits:
    """Those of a customer's account, as it was read. One statement if it has daily limits."""
    limits = (account.currency, account.max_amount, account.daily_amount, account.daily_count)
    state = LockedAccount.of(account)
    if not state.has_daily_limits:
        return AccountLimits(*limits)
    read_spending([state], clock.now())
    left = None
    if state.daily_amount is not None:
        is_used_up = state.daily_count is not None and state.payments >= state.daily_count
        left = from_units(0 if is_used_up else max(0, state.daily_amount - state.spent))
    paid = from_units(state.spent)
    return AccountLimits(*limits, paid, state.payments, left, state.free_at)
