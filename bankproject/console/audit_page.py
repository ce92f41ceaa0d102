"""The audit page, with all actions and logins of staff; and its export."""

from collections.abc import Iterator

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from bankproject.console.audit import AuditPage, BadPosition, walk
from bankproject.console.audit import audit_page as read_page
from bankproject.console.audit_form import AuditForm
from bankproject.console.audit_records import Wanted
from core import clock
from core.console.sheets import (
    MOST_ROWS,
    SheetFormat,
    SheetHeading,
    SheetRow,
    asked_format,
    sheet_response,
    sheet_zone,
)

READ_AUDIT = "transactions.read_audit"
_ON_PAGE = 50
_COLUMNS = (
    "at", "who", "address", "what", "about", "id", "before", "after", "reason", "request_id",
)  # fmt: skip
# The columns of a PDF: without ids.
_PRINTED = (0, 1, 2, 3, 4, 6, 7, 8)


@require_safe
def audit_page(request: HttpRequest) -> HttpResponse:
    """Shows the audit log, read-only, to users with the right to view it."""
    _require_right(request)
    form = AuditForm(request.GET)
    page = AuditPage([], "")
    if form.is_valid():
        try:
            page = read_page(
                form.wanted(),
                sources=form.sources(),
                position=request.GET.get("position", ""),
                size=_ON_PAGE,
            )
        except BadPosition as error:
            raise Http404 from error
    asked = form.given()
    context = {
        **admin.site.each_context(request),
        "title": "Audit log",
        "form": form,
        "entries": page.entries,
        "is_filtered": bool(asked),
        "is_first": "position" not in request.GET,
        "newest": urlencode(asked),
        "older": urlencode({**asked, "position": page.next}) if page.next else "",
        "exports": [(one.upper(), str(one), f"{MOST_ROWS[one]:,}") for one in SheetFormat],
    }
    return render(request, "console/audit.html", context)


@require_safe
def export_audit(request: HttpRequest) -> HttpResponseBase:
    """The same rows as a file, newest first: CSV, or `?format=xlsx` or `pdf`.

    More rows than the format holds are refused on the page.
    """
    _require_right(request)
    form = AuditForm(request.GET)
    chosen = asked_format(request)
    if not form.is_valid():
        raise Http404
    moment = clock.about_now()
    name = f"audit-{moment:%Y%m%dT%H%M%SZ}"
    most = MOST_ROWS[chosen]
    if sum(1 for _ in walk(form.wanted(), sources=form.sources(), most=most + 1)) > most:
        words = f"A {chosen.upper()} holds {most:,} rows. Narrow the log by its filters."
        messages.error(request, words)
        return redirect(f"{reverse('audit')}?{urlencode(form.given())}")
    rows = _rows(form.wanted(), form.sources(), most)
    heading = SheetHeading("Audit log", moment, form.in_words(), _PRINTED)
    columns = (f"at ({sheet_zone(chosen)})", *_COLUMNS[1:])
    return sheet_response(name, chosen, columns, rows, heading)


def _rows(wanted: Wanted, sources: list[str], most: int) -> Iterator[SheetRow]:
    for entry in walk(wanted, sources=sources, most=most):
        yield tuple(getattr(entry, name) for name in _COLUMNS)


def _require_right(request: HttpRequest) -> None:
    if not request.user.has_perm(READ_AUDIT):
        raise PermissionDenied
