"""The numbers of the page Statistics: totals by interval, as charts, tables and figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format

from bankproject.console.drawings import Drawing, bars, rounded_up, steps
from bankproject.console.durations import in_seconds, shown_time
from bankproject.console.parts import BAD, NEUTRAL, Figure, Table, TableCell, number
from bankproject.console.statistics_sums import OUTCOMES, Outcomes, Sums
from bankproject.console.words import DECIDED, list_link
from core.console.admin import shown_amount
from core.counts import count_of
from core.errors import FAILURES_BY_DECISION
from core.money import UNITS_PER_MAIN, from_units
from transactions.admin.filters import shown_failure
from transactions.states import TransactionType
from transactions.statistics.buckets import percentile
from transactions.statistics.report import Statistics
from transactions.statistics.spans import Calendar, Interval, next_month

PERCENTS = (50, 95, 99)
# Legible on white and on black.
_COMPLETED, _FAILED, _DECIDED, _WAITING = "#16a34a", "#dc2626", "#6b7280", "#d97706"
_AMOUNT = "#7c3aed"
_STEPS = {50: "#0284c7", 95: "#d97706", 99: "#dc2626"}
# More currencies make a page too long to read; a choice of one shows the others.
MOST_CURRENCIES = 4
_NOTHING = "Nothing was made on these days."


@dataclass(frozen=True, slots=True)
class Axis:
    """All intervals of the span, also those without a transaction, with their labels."""

    starts: list[datetime]
    labels: list[str]
    links: list[str]

    @classmethod
    def of(cls, found: Statistics) -> "Axis":
        calendar, wanted = Calendar(), found.wanted
        starts = calendar.starts(wanted.interval, wanted.first, wanted.end)
        link = _links(found)
        return cls(
            starts,
            [label(start, wanted.interval, calendar) for start in starts],
            [link(start) for start in starts],
        )

    def cell(self, place: int) -> TableCell:
        return TableCell(self.labels[place], self.links[place])


def label(start: datetime, interval: Interval, calendar: Calendar) -> str:
    local = start.astimezone(calendar.zone)
    if interval is Interval.MONTH:
        return str(date_format(local, "F Y"))
    return str(date_format(local, "j M H:i" if interval is Interval.HOUR else "j M Y"))


def _links(found: Statistics) -> Callable[[datetime], str]:
    """Links to the transactions of a day or month, whose lists follow the user's time zone."""
    wanted = found.wanted
    is_same = timezone.get_current_timezone_name() == found.zone
    if not is_same or wanted.interval is Interval.HOUR:
        return lambda _start: ""
    calendar = Calendar()

    def link(start: datetime) -> str:
        first = calendar.day_of(start)
        end = first + timedelta(days=1) if wanted.interval is Interval.DAY else next_month(first)
        last = min(end, wanted.end) - timedelta(days=1)
        filters = {"created_at_from": first.isoformat(), "created_at_to": last.isoformat()}
        if wanted.type:
            filters["type__exact"] = wanted.type
        if wanted.currency:
            filters["currency"] = wanted.currency
        return list_link("transactions_transaction", **filters)

    return link


def figures(sums: Sums) -> list[Figure]:
    total = sums.everything
    time = percentile(total.times, 95)
    return [
        Figure("Transactions", f"{total.count:,}", "", f"{total.completed:,} of them completed"),
        Figure(
            "Failed",
            f"{total.wrong_share:.2%}",
            "",
            count_of(total.wrong, "transaction"),
            BAD if total.wrong else NEUTRAL,
        ),
        Figure("Not ended yet", f"{total.waiting:,}", "", "Waiting, scheduled or in process"),
        Figure(
            "Processing time",
            shown_time(time),
            "",
            "95 of 100 took no longer",
        ),
    ]


def drawings(sums: Sums) -> list[Drawing]:
    axis = Axis.of(sums.statistics)
    totals = [sums.by_start.get(start, Outcomes()) for start in axis.starts]
    found = [_counts(axis, totals)]
    found += [_amounts(axis, totals, currency) for currency in sums.currencies[:MOST_CURRENCIES]]
    return [*found, _times(axis, totals)]


def _counts(axis: Axis, totals: Sequence[Outcomes]) -> Drawing:
    top = rounded_up(max((total.count for total in totals), default=0))
    return bars(
        "Transactions",
        labels=axis.labels,
        series={
            "Completed": [total.completed for total in totals],
            "Failed": [total.wrong for total in totals],
            DECIDED: [total.decided for total in totals],
            "Not ended": [total.waiting for total in totals],
        },
        colours={
            "Completed": _COMPLETED,
            "Failed": _FAILED,
            DECIDED: _DECIDED,
            "Not ended": _WAITING,
        },
        up=[f"{top:,}", f"{top // 2:,}", "0"],
        top=top,
        summary="Bars: transactions made in each interval, by outcome.",
        table=_table(
            "Transactions",
            ["Made", *OUTCOMES],
            axis,
            totals,
            Outcomes.cells,
            note=f"{DECIDED}: also what nobody approved in time.",
        ),
    )


def _amounts(axis: Axis, totals: Sequence[Outcomes], currency: str) -> Drawing:
    moved = [total.completed_amounts[currency] for total in totals]
    # Round in main units.
    top = rounded_up(-(-max(moved, default=0) // UNITS_PER_MAIN))
    title = f"Amounts in {currency}"
    return bars(
        title,
        labels=axis.labels,
        series={"Completed": moved},
        colours={"Completed": _AMOUNT},
        up=[f"{top:,}", f"{top // 2:,}", "0"],
        top=top * UNITS_PER_MAIN,
        summary=f"Bars: the amounts in {currency} that completed transactions of each interval"
        " moved.",
        table=_table(
            title,
            ["Made", "Completed", "All"],
            axis,
            totals,
            lambda total: [
                TableCell(shown_amount(from_units(units), currency), is_number=True)
                for units in (total.completed_amounts[currency], total.amounts[currency])
            ],
            has_row=lambda total: total.amounts[currency] > 0,
        ),
    )


def _times(axis: Axis, totals: Sequence[Outcomes]) -> Drawing:
    times = {
        percent: [percentile(total.times, percent) for total in totals] for percent in PERCENTS
    }
    longest = max((time or 0 for time in times[PERCENTS[-1]]), default=0)
    # Of two milliseconds at least: nobody sees a difference of microseconds.
    top = rounded_up(max(longest, 2000))
    return steps(
        "Processing times",
        labels=axis.labels,
        series={f"{percent} of 100": times[percent] for percent in PERCENTS},
        colours={f"{percent} of 100": _STEPS[percent] for percent in PERCENTS},
        up=[in_seconds(top), in_seconds(top // 2), "0"],
        top=top,
        summary="Lines: from creation to completion or failure, 50, 95 and 99 of 100 transactions"
        " of each interval took no longer.",
        table=_table(
            "Processing times",
            ["Made", *(f"{percent} of 100" for percent in PERCENTS)],
            axis,
            totals,
            lambda total: [_time_cell(percentile(total.times, percent)) for percent in PERCENTS],
            note="From creation to completion or failure. At most 5 % off.",
        ),
    )


def _table(  # noqa: PLR0917 - in the order of the page
    title: str,
    headers: list[str],
    axis: Axis,
    totals: Sequence[Outcomes],
    cells: Callable[[Outcomes], list[TableCell]],
    note: str = "",
    has_row: Callable[[Outcomes], bool] = lambda total: total.count > 0,
) -> Table:
    """One row for each interval in which something was made, newest first."""
    rows = [
        [axis.cell(place), *cells(total)] for place, total in enumerate(totals) if has_row(total)
    ]
    return Table(
        title=title,
        headers=headers,
        rows=rows[::-1],
        when_empty=_NOTHING,
        numbers=frozenset(range(1, len(headers))),
        note=note,
    )


def tables(sums: Sums) -> list[Table]:
    decided = {code: sums.failures[code] for code in FAILURES_BY_DECISION if code in sums.failures}
    wrong = {code: count for code, count in sums.failures.items() if code not in decided}
    found = [
        _by_type(sums.by_type),
        _reasons("Failures by reason", "Failure", wrong, "Nothing has failed."),
    ]
    return [*found, _reasons(DECIDED, "How", decided, "")] if decided else found


def _by_type(found: Mapping[str, Outcomes]) -> Table:
    rows = [
        [TableCell(kind.label), *total.cells()]
        for kind in TransactionType
        if (total := found.get(kind))
    ]
    return Table(
        title="By type",
        headers=["Type", *OUTCOMES],
        rows=rows,
        when_empty=_NOTHING,
        numbers=frozenset(range(1, 1 + len(OUTCOMES))),
    )


def _reasons(title: str, heading: str, found: Mapping[str, int], when_empty: str) -> Table:
    return Table(
        title=title,
        headers=[heading, "Transactions"],
        rows=[
            [TableCell(shown_failure(code)), number(count)]
            for code, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))
        ],
        when_empty=when_empty,
        numbers=frozenset({1}),
    )


def _time_cell(microseconds: int | None) -> TableCell:
    return TableCell(shown_time(microseconds), is_number=True)
