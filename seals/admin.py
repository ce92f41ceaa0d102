"""Seals for staff to read, each with its head to copy."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from core.console.admin import ReadOnlyModelAdmin
from core.console.admin_filters import DaysById
from seals.heads import line_of
from seals.models import Seal

# Digits of a digest or key in the list, enough to compare it by eye.
_SHOWN_DIGITS = 16


@admin.register(Seal)
class SealAdmin(ReadOnlyModelAdmin):
    ordering = ("-number",)
    when_empty = (
        "No entry has been sealed yet. `manage.py seal_ledger --new-key` makes the key of the bank,"
        " and `manage.py seal_ledger` seals."
    )
    list_display = ("in_order", "sealed_at", "how_many", "of_all", "shown_digest", "key")
    list_filter = (("sealed_at", DaysById),)
    fieldsets = (
        (
            "Seal",
            {
                "fields": (
                    ("number", "sealed_at"),
                    ("entries", "total_entries"),
                    ("ranges", "id"),
                )
            },
        ),
        ("Hashes", {"fields": ("digest", "previous", "root")}),
        ("Signature", {"fields": ("signature", "public_key", "next_public_key")}),
    )
    change_form_outer_after_template = "seals/head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Seal]:
        """Without the roots of blocks, which only proofs need."""
        rows: QuerySet[Seal] = super().get_queryset(request)
        return rows.defer("blocks")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if (seal := kwargs.get("obj")) is not None:
            context["head"] = line_of(seal).decode().rstrip()
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    @display(description="Number")
    def in_order(self, seal: Seal) -> str:
        return f"{seal.number:,}"

    @display(description="Entries")
    def how_many(self, seal: Seal) -> str:
        return f"{seal.entries:,}"

    @display(description="Entries until here")
    def of_all(self, seal: Seal) -> str:
        return f"{seal.total_entries:,}"

    @display(description="Digest")
    def shown_digest(self, seal: Seal) -> str:
        return f"{seal.digest[:_SHOWN_DIGITS]}..."

    @display(description="Signed by the key")
    def key(self, seal: Seal) -> str:
        announces = ", announces another" if seal.next_public_key else ""
        return f"{seal.public_key[:_SHOWN_DIGITS]}...{announces}"
