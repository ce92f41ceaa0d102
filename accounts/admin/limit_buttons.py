"""Buttons of an account's page that set limits: of its overdraft, and of its payments."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from accounts.admin.buttons import AccountButtons
from accounts.admin.forms import LimitsForm, OverdraftLimitForm
from accounts.commands import ChangeLimits, ChangeOverdraftLimit
from accounts.commands.change_limits import LIMITS
from accounts.models import Account
from core.console.admin import shown_money
from core.money import format_amount


class LimitButtons(AccountButtons):
    """Mixin for the admin of accounts: all its buttons."""

    @action(
        description="Overdraft limit",
        url_path="overdraft-limit",
        icon="south_east",
        permissions=["view", "manage"],
    )
    def overdraft_limit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            changed = self._apply(request, ChangeOverdraftLimit(account_id=account.id, **values))
            if changed.asked_limit_id is not None:
                wanted = shown_money(values["overdraft_limit"], changed.currency)
                return f"A limit of {wanted} waits for a second person."
            limit = shown_money(changed.overdraft_limit, changed.currency)
            available = shown_money(changed.available_balance, changed.currency)
            return f"The overdraft limit is now {limit}; {available} are available."

        form = OverdraftLimitForm(request.POST or None)
        if account := self.get_object(request, object_id):
            limit = shown_money(account.overdraft_limit, account.currency)
            form.fields["overdraft_limit"].help_text += f" It is {limit} now."
        return self._ask(request, object_id, "Change the overdraft limit", form, run)

    @action(
        description="Payment limits",
        url_path="limits",
        icon="speed",
        permissions=["view", "manage"],
    )
    def limits(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            changed = self._apply(request, ChangeLimits(account_id=account.id, **values))
            if changed.asked_limit_id is not None:
                return "These limits wait for a second person. Until then the present ones apply."
            return f"The limits are now: {limits_in_words(changed)}."

        account = self.get_object(request, object_id)
        initial = {} if account is None else {name: _initial(account, name) for name in LIMITS}
        form = LimitsForm(request.POST or None, initial=initial)
        return self._ask(request, object_id, "Set the limits of payments", form, run)


def limits_in_words(account: Account) -> str:
    """The limits of an account's payments: "500.00 USD a payment, 10 payments a day"."""
    return told_limits({name: getattr(account, name) for name in LIMITS}, account.currency)


def told_limits(limits: dict[str, Any], currency: str) -> str:
    """Such limits, amounts as numbers or as text."""
    parts = []
    for name, what in (("max_amount", "a payment"), ("daily_amount", "a day")):
        if limits[name] is not None:
            parts.append(f"{shown_money(Decimal(limits[name]), currency)} {what}")
    if limits["daily_count"] is not None:
        parts.append(f"{limits['daily_count']} payments a day")
    return ", ".join(parts) or "none"


def _initial(account: Account, name: str) -> Any:
    value = getattr(account, name)
    return format_amount(value, account.currency) if isinstance(value, Decimal) else value
