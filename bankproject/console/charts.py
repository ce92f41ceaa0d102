"""The charts of Today, and the same data in words and numbers."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from bankproject.console.parts import BarChart, Table, TableCell, number
from bankproject.console.words import DECIDED, transactions_of_today, went_wrong
from transactions.reads.overview import Activity
from transactions.states import TransactionStatus, TransactionType

NOTHING_TODAY = "Nothing has happened yet today."

# The colour of each status, legible on white and on black.
_COLOURS = {
    TransactionStatus.COMPLETED.label: "#16a34a",
    TransactionStatus.FAILED.label: "#dc2626",
    DECIDED: "#6b7280",
    "Waiting": "#d97706",
}


def _shown_status(one: Activity) -> str:
    status = TransactionStatus(one.status)
    if status == TransactionStatus.FAILED and not went_wrong(one):
        return DECIDED
    is_settled = status in (TransactionStatus.COMPLETED, TransactionStatus.FAILED)
    return status.label if is_settled else "Waiting"


def by_hour(today: Sequence[Activity], hours: Sequence[datetime]) -> BarChart:
    labels = [f"{hour:%H:%M}" for hour in hours]
    series = {status: [0] * len(hours) for status in _COLOURS}
    for one in today:
        series[_shown_status(one)][one.interval] += one.count
    rows = [
        [TableCell(label), *(number(series[status][index]) for status in series)]
        for index, label in enumerate(labels)
        if any(values[index] for values in series.values())
    ]
    return _transactions_by(
        "Hour",
        labels=labels,
        series=series,
        rows=rows,
        across=f"Hour that begins at ({timezone.get_current_timezone()})",
        summary="Bars: transactions made in each hour of today, by status.",
    )


def by_type(today: Sequence[Activity]) -> BarChart:
    types = list(TransactionType)
    series = {status: [0] * len(types) for status in _COLOURS}
    for one in today:
        series[_shown_status(one)][types.index(TransactionType(one.type))] += one.count
    rows = [
        [
            TableCell(kind.label, transactions_of_today(type__exact=kind)),
            *(number(values[index]) for values in series.values()),
        ]
        for index, kind in enumerate(types)
    ]
    return _transactions_by(
        "Type",
        labels=[kind.label for kind in types],
        series=series,
        rows=rows,
        across="Type",
        summary="Bars: transactions made today of each type, by status.",
    )


def _transactions_by(
    what: str,
    *,
    labels: list[str],
    series: dict[str, list[int]],
    rows: list[list[TableCell]],
    across: str,
    summary: str,
) -> BarChart:
    """Bars of today's transactions, with the same numbers as a table."""
    title = f"Transactions by {what.lower()}"
    return BarChart(
        title=title,
        labels=labels,
        series=series,
        colours=_COLOURS,
        across=across,
        up="Transactions",
        summary=summary,
        link=transactions_of_today(),
        table=Table(
            title=title,
            headers=[what, *series],
            rows=rows,
            when_empty=NOTHING_TODAY,
            numbers=frozenset(range(1, len(series) + 1)),
        ),
    )
