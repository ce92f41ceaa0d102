"""A list as a file: all rows that its filters and its search select, in its order."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.views import ChangeList

from core import clock, replica
from core.console.admin import BankModelAdmin
from core.console.sheets import (
    MOST_ROWS,
    SheetFormat,
    SheetHeading,
    SheetRow,
    asked_format,
    sheet_response,
)

_READ_AT_ONCE = 500
_FORMAT = "format"


class ListExport(BankModelAdmin):
    """Mixin for the admin of a model: `list/export/?format=`, and links to it below the list."""

    list_after_template = "core/list_export.html"
    # What the list and its file are called.
    exported_as = ""
    # The indices of the columns that a PDF has.
    printed_columns: Sequence[int] = ()

    def export_header(self, file_format: SheetFormat) -> SheetRow:
        """The names of the columns."""
        raise NotImplementedError

    def export_row(self, row: Any) -> SheetRow:
        """The cells of a row."""
        raise NotImplementedError

    def export_keys(self, queryset: QuerySet[Any]) -> list[Any]:
        """What finds each row again, in the order of the list."""
        return list(queryset.values_list("pk", flat=True))

    def export_rows(self, request: HttpRequest, keys: Sequence[Any]) -> Iterator[Any]:
        """The rows with these keys, in this order. Some statements, however many keys."""
        queryset = self.get_queryset(request)
        if isinstance(self.list_select_related, tuple) and self.list_select_related:
            queryset = queryset.select_related(*self.list_select_related)
        found = queryset.in_bulk(keys)
        yield from (found[key] for key in keys)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_list)
        return [path("export/", view, name=self._export_name()), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        exports = [(one.upper(), self._link(request, one), MOST_ROWS[one]) for one in SheetFormat]
        context = {**(extra_context or {}), "exports": exports}
        return cast(HttpResponse, super().changelist_view(request, context))

    def _link(self, request: HttpRequest, file_format: SheetFormat) -> str:
        query: Any = request.GET.copy()
        query[_FORMAT] = str(file_format)
        return f"{reverse(f'admin:{self._export_name()}')}?{query.urlencode()}"

    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """The file, or the list with what is wrong."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        file_format = asked_format(request)
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        query: Any = request.GET.copy()
        query.pop(_FORMAT, None)
        request.GET = query
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            messages.error(request, "The list has no such filter, so nothing was exported.")
            return redirect(back)
        most = MOST_ROWS[file_format]
        keys = replica.read(partial(self.export_keys, listed.queryset[: most + 1]))
        if len(keys) > most:
            words = f"A {file_format.upper()} holds {most:,} rows. Narrow the list by its filters."
            messages.error(request, words)
            return redirect(f"{back}?{query.urlencode()}")
        moment = clock.about_now()
        heading = SheetHeading(
            self.exported_as, moment, filters_in_words(request, listed), self.printed_columns
        )
        name = f"{self.exported_as.lower()}-{moment:%Y%m%dT%H%M%SZ}"
        rows = self._exported(request, keys)
        return sheet_response(name, file_format, self.export_header(file_format), rows, heading)

    def _exported(self, request: HttpRequest, keys: Sequence[Any]) -> Iterator[SheetRow]:
        for start in range(0, len(keys), _READ_AT_ONCE):
            chunk = keys[start : start + _READ_AT_ONCE]
            yield from replica.read(partial(self._exported_together, request, chunk))

    def _exported_together(self, request: HttpRequest, keys: Sequence[Any]) -> list[SheetRow]:
        return [self.export_row(row) for row in self.export_rows(request, keys)]

    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"


def filters_in_words(request: HttpRequest, listed: ChangeList) -> list[tuple[str, str]]:
    """The search and the filters of a list that are set: what each is called, and its value."""
    facts = [("Search", listed.query)] if listed.query else []
    told = set()
    for spec in listed.filter_specs:
        choices = _choices(spec)
        for name in spec.expected_parameters():
            value = request.GET.get(name, "")
            told.add(name)
            if value:
                end = {"_from": " from", "_to": " to"}.get(name[name.rfind("_") :], "")
                facts.append((f"{str(spec.title).capitalize()}{end}", choices.get(value, value)))
    linked = [name for name in listed.model_admin.linked_by if request.GET.get(name)]
    facts += [(name.capitalize(), request.GET[name]) for name in linked if name not in told]
    return facts


def _choices(spec: Any) -> dict[str, str]:
    """The words for the values of a filter that offers some."""
    field = getattr(spec, "field", None)
    offered: Any = getattr(spec, "lookup_choices", None) or getattr(field, "flatchoices", ())
    return {str(value): str(words) for value, words in offered}
