"""The chart of an account's balance over time."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Account
from core.console.admin import shown_money
from transactions.reads.balances import balances_at

POINTS = 60
LONGEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class BalanceChart:
    """`data` is for Chart.js; `words` say the same for people who cannot see the chart."""

    title: str
    data: str
    words: str


def balance_chart(account: Account, now: datetime) -> BalanceChart | None:
    """The balance at 60 moments since the opening, or of the last 90 days; None without entries.

    One statement, by the index of sequences. Chart figures are binary floating point (JSON); exact
    figures are in the statement.
    """
    if not account.last_sequence:
        return None
    start = max(account.created_at, now - LONGEST)
    step = (now - start) / (POINTS - 1)
    moments = [start + step * number for number in range(POINTS - 1)] + [now]
    balances = [past.balance for past in balances_at(account, moments)]
    dataset = {
        "label": f"Balance in {account.currency}",
        "data": [float(balance) for balance in balances],
        "borderColor": "var(--color-primary-600)",
        # Draws a step, not a slope: a balance stays until the next moment.
        "stepped": "before",
        "displayYAxis": True,
        "suffixYAxis": account.currency,
        "maxTicksXLimit": 6,
    }
    labels = [_label(moment, now - start) for moment in moments]
    low, high, last = (
        shown_money(balance, account.currency)
        for balance in (min(balances), max(balances), balances[-1])
    )
    period = "of the last 90 days" if start > account.created_at else "since the opening"
    return BalanceChart(
        title=f"Balance in {account.currency} {period}",
        data=json.dumps({"labels": labels, "datasets": [dataset]}),
        words=f"From {labels[0]} to {labels[-1]} between {low} and {high}; at the end {last}.",
    )


def _label(moment: datetime, span: timedelta) -> str:
    local = timezone.localtime(moment)
    if span > timedelta(days=3):
        return f"{local:%-d %b}"
    return f"{local:%a %H:%M}" if span > timedelta(hours=1) else f"{local:%H:%M:%S}"
