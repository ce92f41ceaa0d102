"""The list of uploaded files, and a page for each with its progress, rows and buttons."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display

from core import clock
from core.console.admin import EMPTY, ReadOnlyModelAdmin, badge, yes_or_no
from core.console.admin_filters import DaysById
from core.console.sheets import SheetFormat, SheetHeading, sheet_response
from desk.admin.decisions import DecisionButtons
from desk.admin.shown import counts_in_words, expected_in_words, shown_rows
from desk.admin.upload import UploadButton
from desk.contents import rows_of
from desk.models import DeskFile
from desk.states import TRIED, UNDER_WAY, FileStatus

_COLOURS = {
    "Waits for approval": "warning",
    "Rejected": "plain",
    "Being posted": "info",
    "Posted": "success",
    "Stopped": "danger",
    "Being reversed": "info",
    "Reversed": "plain",
}
_SHOWN = 50
_REFRESH_SECONDS = 3
_COLUMNS = (
    "Line",
    "Type",
    "Account",
    "Target account",
    "Amount",
    "Currency",
    "Description",
    "Status",
    "Balance after",
    "Failure",
    "Why",
    "Made before",
    "Transaction",
    "Reversed by",
)


@admin.register(DeskFile)
class DeskFileAdmin(UploadButton, DecisionButtons, ReadOnlyModelAdmin):
    when_empty = "No file has been uploaded yet. The button above takes one."
    list_display = (
        "uploaded_at",
        "file_name",
        "movements",
        "shown_status",
        "progress",
        "maker",
        "checker",
    )
    list_select_related = ("uploaded_by", "decided_by")
    list_filter = (("status", ChoicesRadioFilter), ("uploaded_at", DaysById))
    actions_list = ("upload",)
    actions_detail = ("approve", "reject", "reverse", "download_csv", "download_xlsx")
    change_form_outer_before_template = "desk/file.html"
    fieldsets = (
        (
            "File",
            {
                "fields": (
                    ("name", "shown_status"),
                    ("rows", "all_or_nothing"),
                    ("uploaded_by", "uploaded_at"),
                    "dry_run",
                )
            },
        ),
        (
            "Decision",
            {"fields": (("decided_by", "decided_at"), "decision_reason", ("posted_at", "problem"))},
        ),
        (
            "Reversal",
            {
                "fields": (
                    ("reversal_asked_by", "reversal_asked_at"),
                    "reversal_reason",
                    "reversed_at",
                )
            },
        ),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "digest"),
                    ("size", "piece", "done"),
                    ("completed", "failed", "pending", "replayed"),
                    ("caller", "request_id", "address"),
                    ("reversal_request_id", "reversal_address", "reversal_attempts"),
                ),
            },
        ),
    )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        file = kwargs.get("obj")
        assert file is not None, "Nobody adds a file by this form."
        is_under_way = file.status in UNDER_WAY
        rows = [] if is_under_way else rows_of(file, most=_SHOWN)
        context |= {
            "file": file,
            "is_under_way": is_under_way,
            "is_tried": file.status in TRIED,
            "outcome": "Expected outcome" if file.status in TRIED else "Outcome",
            "counts": counts_in_words(file),
            "progress": f"{file.done:,} of {file.rows:,}",
            "expected": expected_in_words(file.expected, file.rows),
            "rows": shown_rows(rows),
        }
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        if is_under_way:
            response["Refresh"] = str(_REFRESH_SECONDS)
        return response

    @action(description="Rows (CSV)", url_path="rows-csv", icon="download", permissions=["view"])
    def download_csv(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self._download(request, object_id, SheetFormat.CSV)

    @action(description="Rows (XLSX)", url_path="rows-xlsx", icon="download", permissions=["view"])
    def download_xlsx(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self._download(request, object_id, SheetFormat.XLSX)

    def _download(
        self, request: HttpRequest, object_id: str, file_format: SheetFormat
    ) -> HttpResponseBase:
        file = self.found(request, object_id)
        facts = [("File", file.name), ("SHA-256", file.digest), ("Status", _status_of(file))]
        heading = SheetHeading("Rows of a file", clock.about_now(), facts)
        rows = ([*row.cells(), row.transaction_id, row.reversed_by] for row in rows_of(file))
        name, columns = f"file-{file.pk}", list(_COLUMNS)
        if file.status in TRIED:
            name, columns = f"{name}-dry-run", list(map(_expected, _COLUMNS))
        return sheet_response(name, file_format, columns, rows, heading)

    @display(description="File")
    def file_name(self, file: DeskFile) -> str:
        return file.name

    @display(description="Movements")
    def movements(self, file: DeskFile) -> str:
        return f"{file.rows:,}"

    @display(description="Dry run at the upload")
    def dry_run(self, file: DeskFile) -> str:
        facts = expected_in_words(file.expected, file.rows)
        return ". ".join(f"{heading}: {words}" for heading, words in facts)

    @display(description="All or nothing")
    def all_or_nothing(self, file: DeskFile) -> str:
        return yes_or_no(file.atomic)

    @display(description="Status")
    def shown_status(self, file: DeskFile) -> SafeString:
        return badge(_status_of(file), _COLOURS)

    @display(description="Outcome")
    def progress(self, file: DeskFile) -> str:
        return counts_in_words(file)

    @display(description="Uploaded by")
    def maker(self, file: DeskFile) -> str:
        return file.uploaded_by.get_username()

    @display(description="Decided by")
    def checker(self, file: DeskFile) -> str:
        return file.decided_by.get_username() if file.decided_by else EMPTY


def _expected(column: str) -> str:
    """The heading of a column of a dry run: nobody takes its file for what was posted."""
    return f"Expected {column.lower()}" if column in ("Status", "Balance after") else column


def _status_of(file: DeskFile) -> str:
    return FileStatus(file.status).label
