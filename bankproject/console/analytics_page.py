"""The page Analytics: the named queries, with their parameters, as a table, a chart and a file."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from analytics.answers import MOST_ROWS, Answer, ask
from analytics.catalog import AMOUNTS, QUERIES, NamedQuery, query_named
from analytics.database import DatabaseEngine, TookTooLong
from analytics.parameters import WrongParameter
from analytics.rights import ASKING_RIGHTS
from bankproject.console.analytics_form import QueryForm
from bankproject.console.drawings import Drawing, bars, rounded_up
from bankproject.console.parts import Table, TableCell
from core import clock
from core.console.admin import shown_amount
from core.console.sheets import SheetHeading, amount_cell, asked_format, sheet_response
from core.money import from_units, to_units
from transactions.statistics.spans import Calendar

_MOST_ROWS = 500
_MOST_BARS = 60
_MOST_DRAWINGS = 3
_COLOUR = "#7c3aed"  # Legible on white and on black.


@require_safe
def analytics_page(request: HttpRequest) -> HttpResponse:
    """Needs the rights to view transactions, accounts and customers. The page is read-only."""
    _require_rights(request)
    context = {
        **admin.site.each_context(request),
        "title": "Analytics",
        "queries": QUERIES.values(),
        "zone": Calendar().name,
    }
    if name := request.GET.get("query", ""):
        query = _known(name)
        form = QueryForm(query, request.GET)
        context |= {"query": query, "form": form, "asked": urlencode(form.asked())}
        if form.is_complete() and form.is_valid():
            context |= _answered(query, form)
    return render(request, "console/analytics.html", context)


@require_safe
def export_analytics(request: HttpRequest) -> HttpResponseBase:
    """All rows of the answer as a file: CSV, XLSX or PDF."""
    _require_rights(request)
    query, chosen = _known(request.GET.get("query", "")), asked_format(request)
    form = QueryForm(query, request.GET)
    if not form.is_valid():
        raise Http404
    try:
        answer = _ask(query, form.given())
    except TookTooLong as problem:
        return HttpResponse(str(problem), status=503, content_type="text/plain; charset=utf-8")
    place = query.columns.index("currency")
    rows = (
        [
            amount_cell(value, row[place]) if name in AMOUNTS else _plain(value)
            for name, value in zip(query.columns, row, strict=True)
        ]
        for row in answer.rows
    )
    facts = [(each.title, str(answer.values[each.name])) for each in query.parameters]
    heading = SheetHeading(query.title, clock.about_now(), facts)
    return sheet_response(query.name, chosen, query.columns, rows, heading)


def _require_rights(request: HttpRequest) -> None:
    if not request.user.has_perms(ASKING_RIGHTS):
        raise PermissionDenied


def _known(name: str) -> NamedQuery:
    try:
        return query_named(name)
    except WrongParameter as problem:
        raise Http404 from problem


def _ask(query: NamedQuery, given: Mapping[str, str]) -> Answer:
    return ask(query, given, DatabaseEngine(), seconds=settings.STATEMENT_TIMEOUT_SECONDS)


def _answered(query: NamedQuery, form: QueryForm) -> dict[str, Any]:
    try:
        answer = _ask(query, form.given())
    except TookTooLong as problem:
        return {"problem": f"{problem} Choose fewer days."}
    return {"table": _table(answer), "drawings": _drawings(answer)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | None) else str(value)


def in_words(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _table(answer: Answer) -> Table:
    query, shown = answer.query, answer.rows[:_MOST_ROWS]
    place = query.columns.index("currency")
    figures = frozenset(
        index
        for index, name in enumerate(query.columns)
        if name in AMOUNTS or any(isinstance(row[index], int) for row in shown)
    )
    rows = [
        [
            TableCell(_shown(name, value, row[place]), is_number=index in figures)
            for index, (name, value) in enumerate(zip(query.columns, row, strict=True))
        ]
        for row in shown
    ]
    left_out = len(answer.rows) - len(shown)
    return Table(
        title=query.title,
        headers=[in_words(name) for name in query.columns],
        rows=rows,
        when_empty="No row answers these parameters.",
        numbers=figures,
        note=_note(left_out, answer),
    )


def _note(left_out: int, answer: Answer) -> str:
    if answer.is_cut:
        return f"There are more rows. The export has the first {MOST_ROWS:,}."
    return f"{left_out:,} more rows are in the export." if left_out else ""


def _shown(name: str, value: Any, currency: str) -> str:
    if value is None:
        return "-"
    if name in AMOUNTS:
        return shown_amount(value, currency)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _drawings(answer: Answer) -> list[Drawing]:
    """A chart for each currency. A value below zero has no bar."""
    place = answer.query.columns.index("currency")
    currencies = list(dict.fromkeys(row[place] for row in answer.rows))
    return [
        _drawing(answer, currency, [row for row in answer.rows if row[place] == currency])
        for currency in currencies[:_MOST_DRAWINGS]
    ]


def _drawing(answer: Answer, currency: str, rows: list[tuple[Any, ...]]) -> Drawing:
    query = answer.query
    across, upwards = query.bars
    drawn = rows[:_MOST_BARS]
    values = [_size(row[query.columns.index(upwards)]) for row in drawn]
    top = rounded_up(max(values))
    up = [_up(size, upwards, currency) for size in (top, top // 2, 0)]
    return bars(
        f"{in_words(upwards)} in {currency}",
        labels=[str(row[query.columns.index(across)]) for row in drawn],
        series={upwards: values},
        colours={upwards: _COLOUR},
        up=up,
        top=top,
        summary=f"Bars: {in_words(upwards).lower()} by {in_words(across).lower()}, {currency}.",
        table=_table(answer),
    )


def _size(value: int | Decimal) -> int:
    """The length of a bar: an amount in units."""
    return max(0, to_units(value) if isinstance(value, Decimal) else value)


def _up(size: int, column: str, currency: str) -> str:
    return f"{from_units(size):,.2f} {currency}" if column in AMOUNTS else f"{size:,}"
