"""The page Statistics and its files."""

from collections.abc import Iterator
from itertools import groupby

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from bankproject.console.statistics_figures import (
    MOST_CURRENCIES,
    PERCENTS,
    drawings,
    figures,
    label,
    tables,
)
from bankproject.console.statistics_form import StatisticsForm
from bankproject.console.statistics_sums import BY, Outcomes, Sums
from core import clock
from core.console.sheets import (
    SheetHeading,
    SheetRow,
    amount_cell,
    asked_format,
    sheet_response,
    sheet_zone,
)
from core.money import from_units
from transactions.statistics.buckets import percentile
from transactions.statistics.report import Statistics, statistics
from transactions.statistics.spans import Calendar

READ = "transactions.view_transaction"
_COLUMNS = (
    "made", "start", "end", "type", "currency", "transactions", "completed", "failed",
    "rejected_or_cancelled", "waiting", "amount", "completed_amount",
    *(f"p{percent}_microseconds" for percent in PERCENTS),
)  # fmt: skip


@require_safe
def statistics_page(request: HttpRequest) -> HttpResponse:
    """Needs the right to view transactions. The page is read-only."""
    _require_right(request)
    form = StatisticsForm(request.GET)
    context = {
        **admin.site.each_context(request),
        "title": "Statistics",
        "form": form,
        "zone": Calendar().name,
        "asked": urlencode({name: form.data[name] for name in form.fields if form.data.get(name)}),
    }
    if form.is_valid():
        sums = Sums(statistics(form.wanted(BY)))
        context |= {
            "figures": figures(sums),
            "drawings": drawings(sums),
            "tables": tables(sums),
            "is_empty": not sums.everything.count,
            "left_out": sums.currencies[MOST_CURRENCIES:],
            "first_day": form.cleaned_data["first_day"],
            "last_day": form.cleaned_data["last_day"],
        }
    return render(request, "console/statistics.html", context)


@require_safe
def export_statistics(request: HttpRequest) -> HttpResponseBase:
    """The same numbers as a file, by interval, type and currency: CSV, XLSX or PDF."""
    _require_right(request)
    form = StatisticsForm(request.GET)
    chosen = asked_format(request)
    if not form.is_valid():
        raise Http404
    found = statistics(form.wanted(BY))
    zone = sheet_zone(chosen)
    header = (f"made ({found.zone})", f"start ({zone})", f"end ({zone})", *_COLUMNS[3:])
    name = f"statistics-{found.wanted.first}-{form.cleaned_data['last_day']}"
    days = f"{found.wanted.first} to {form.cleaned_data['last_day']} ({found.zone})"
    heading = SheetHeading("Statistics", clock.about_now(), [("Days", days)])
    return sheet_response(name, chosen, header, _rows(found), heading)


def _rows(found: Statistics) -> Iterator[SheetRow]:
    """By interval, type and currency, which come first in BY: all failures are in one row."""
    calendar = Calendar()
    for key, rows in groupby(found.rows, key=lambda row: (row.start, row.end, *row.group[:2])):
        start, end, kind, currency = key
        total = Outcomes()
        for row in rows:
            total.add_row(row)
        yield (
            label(start, found.wanted.interval, calendar),
            start,
            end,
            kind,
            currency,
            total.count,
            total.completed,
            total.wrong,
            total.decided,
            total.waiting,
            amount_cell(from_units(total.amounts[currency]), currency),
            amount_cell(from_units(total.completed_amounts[currency]), currency),
            *(percentile(total.times, percent) for percent in PERCENTS),
        )


def _require_right(request: HttpRequest) -> None:
    if not request.user.has_perm(READ):
        raise PermissionDenied
