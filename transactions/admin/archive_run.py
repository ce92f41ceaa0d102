"""Archive runs: who, when, which transactions, and their place in the file."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from core.console.admin import (
    EMPTY,
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    badge,
    in_words,
    shown_money,
)
from core.days import shown_moment
from transactions.admin.timeline import caller_in_words
from transactions.models import ArchiveRun, ArchiveSegment

_COLOURS = {"Finished": "success", "Interrupted": "warning", "Not finished": "info"}


def shown_sums(sums: dict[str, str]) -> str:
    """Formats the sums by currency for display."""
    amounts = (shown_money(Decimal(sums[code]), code) for code in sorted(sums))
    return ", ".join(amounts) or EMPTY


def _shown_bytes(stretch: ArchiveRun | ArchiveSegment) -> str:
    return f"{stretch.file_start:,} to {stretch.file_end:,}"


def _shown_bound(name: str, value: Any) -> str:
    """One limit of a selection: a moment, an account's id, or a number."""
    return shown_moment(datetime.fromisoformat(value)) if name == "before" else str(value)


class ArchiveSegmentInline(ReadOnlyTabularInline):
    """The transactions marked by one database transaction of the run: a stretch of the file."""

    model = ArchiveSegment
    fields = ("number", "rows", "amounts", "bytes_in_file", "recorded_at", "digest")
    readonly_fields = fields
    ordering = ("number",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Segments are part of the run."""
        return bool(request.user.has_perm("transactions.view_archiverun"))

    @display(description="Sums of amounts")
    def amounts(self, segment: ArchiveSegment) -> str:
        return shown_sums(segment.sums)

    @display(description="Bytes in the file")
    def bytes_in_file(self, segment: ArchiveSegment) -> str:
        return _shown_bytes(segment)


@admin.register(ArchiveRun)
class ArchiveRunAdmin(ReadOnlyModelAdmin):
    list_display = ("started_at", "state", "who", "shown_bounds", "rows", "amounts")
    list_select_related = ("actor",)
    inlines = (ArchiveSegmentInline,)
    when_empty = "No archive runs yet. manage.py archive_transactions makes one."
    fieldsets = (
        (
            "Archive run",
            {
                "fields": (
                    ("started_at", "finished_at"),
                    ("who", "state"),
                    ("rows", "amounts"),
                    "shown_bounds",
                    "problem",
                )
            },
        ),
        ("File", {"fields": ("bytes_in_file", "digest", "id")}),
    )

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        """Shows segments only for runs that have some."""
        return [ArchiveSegmentInline] if obj is not None and obj.rows else []

    @display(description="State")
    def state(self, run: ArchiveRun) -> SafeString:
        if run.finished_at is None:
            return badge("Not finished", _COLOURS)
        return badge("Interrupted" if run.problem else "Finished", _COLOURS)

    @display(description="By")
    def who(self, run: ArchiveRun) -> str:
        """The member of staff on whose behalf the run was made, else the job."""
        return str(run.actor or caller_in_words(run.caller) or EMPTY)

    @display(description="Selection")
    def shown_bounds(self, run: ArchiveRun) -> str:
        words = []
        for name, value in sorted(run.bounds.items()):
            if value is True:
                words.append(in_words(name))
            elif value is not False:
                words.append(f"{in_words(name)}: {_shown_bound(name, value)}")
        return ", ".join(words) or EMPTY

    @display(description="Bytes in the file")
    def bytes_in_file(self, run: ArchiveRun) -> str:
        return _shown_bytes(run)

    @display(description="Sums of amounts")
    def amounts(self, run: ArchiveRun) -> str:
        return shown_sums(run.sums)
