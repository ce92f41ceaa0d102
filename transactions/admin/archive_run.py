"""Runs of the archive."""

from django.contrib import admin
from unfold.decorators import display

from core.admin import EMPTY, ReadOnlyModelAdmin
from transactions.models import ArchiveRun


@admin.register(ArchiveRun)
class ArchiveRunAdmin(ReadOnlyModelAdmin):
    list_display = ("started_at", "finished_at", "actor", "rows", "shown_sums")
    list_select_related = ("actor",)
    fieldsets = (
        (
            "Archive run",
            {
                "fields": (
                    ("started_at", "finished_at"),
                    ("actor", "rows"),
                    ("shown_sums", "bounds"),
                )
            },
        ),
        ("Record", {"fields": (("file_start", "file_end"), ("id", "sums"), "digest")}),
    )

    @display(description="Sums of amounts")
    def shown_sums(self, run: ArchiveRun) -> str:
        return ", ".join(f"{currency} {total}" for currency, total in run.sums.items()) or EMPTY
