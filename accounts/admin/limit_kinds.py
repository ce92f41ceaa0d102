"""What a request asks for, in words: an overdraft limit, or limits of payments."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.admin.limit_buttons import limits_in_words, told_limits
from accounts.models import Account, LimitRequest
from core.console.admin import shown_money

# Pairs of heading and words.
Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OverdraftLimit:
    """An overdraft limit that is asked for."""

    asked: LimitRequest

    @property
    def wanted(self) -> str:
        return shown_money(self.asked.overdraft_limit, self.asked.currency)

    @property
    def before(self) -> str:
        return shown_money(self.asked.limit_before, self.asked.currency)

    def decided(self, account: Account) -> str:
        """What applies after the decision."""
        limit = shown_money(account.overdraft_limit, account.currency)
        return f"the overdraft limit of {account} is {limit}"

    def facts(self) -> Facts:
        """What a second person needs to know of the limit."""
        asked, account = self.asked, self.asked.account
        now = shown_money(account.overdraft_limit, account.currency)
        changed = f"{self.before} at the request, {now} now"
        available = account.available_balance or Decimal(0)
        more = asked.overdraft_limit - account.overdraft_limit
        return [
            ("Limit now", now if account.overdraft_limit == asked.limit_before else changed),
            ("Limit wanted", self.wanted),
            ("Balance now", shown_money(account.balance or Decimal(0), account.currency)),
            ("Available now", shown_money(available, account.currency)),
            ("If approved", f"{shown_money(available + more, account.currency)} available"),
        ]


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """Limits of payments that are asked for, with the `limits` of the request."""

    asked: LimitRequest
    limits: dict[str, Any]

    @property
    def wanted(self) -> str:
        return told_limits(self.limits["after"], self.asked.currency)

    @property
    def before(self) -> str:
        return told_limits(self.limits["before"], self.asked.currency)

    def decided(self, account: Account) -> str:
        """What applies after the decision."""
        return f"the payment limits of {account} are {limits_in_words(account)}"

    def facts(self) -> Facts:
        """What a second person needs to know of the limits."""
        account = self.asked.account
        return [
            ("Limits now", limits_in_words(account)),
            ("Limits wanted", self.wanted),
            ("Available now", shown_money(account.available_balance, account.currency)),
        ]


def kind_of(asked: LimitRequest) -> OverdraftLimit | PaymentLimits:
    return OverdraftLimit(asked) if asked.limits is None else PaymentLimits(asked, asked.limits)
