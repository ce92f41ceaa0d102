"""Results of `verify_ledger`, and the places where rules are broken."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.decorators import display

from core.console.admin import EMPTY, ReadOnlyModelAdmin, badge
from core.console.admin_filters import DaysById
from transactions.admin.findings import places_of
from transactions.models import Verification

_SOUND, _BROKEN = "Sound", "Broken"
_COLOURS = {_SOUND: "success", _BROKEN: "danger"}


@admin.register(Verification)
class VerificationAdmin(ReadOnlyModelAdmin):
    list_display = ("finished_at", "books", "shown_checked", "shown_findings")
    list_filter = (("finished_at", DaysById),)
    when_empty = "Nobody has checked the books yet: run `manage.py verify_ledger`."
    fieldsets = (
        (
            "Verification",
            {
                "fields": (
                    ("books", "finished_at"),
                    ("started_at", "id"),
                    "shown_checked",
                    "shown_findings",
                )
            },
        ),
    )

    change_form_outer_after_template = "transactions/findings.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        verification = kwargs.get("obj")
        if verification is not None and not verification.is_sound:
            context["places"] = places_of(verification)
            context["all_places"] = sum(verification.findings.values())
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Books")
    def books(self, verification: Verification) -> SafeString:
        return badge(_SOUND if verification.is_sound else _BROKEN, _COLOURS)

    @display(description="Checked")
    def shown_checked(self, verification: Verification) -> str:
        counted = verification.checked.items()
        return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counted) or EMPTY

    @display(description="Broken rules, with the number of places")
    def shown_findings(self, verification: Verification) -> str:
        return ", ".join(f"{code}: {n:,}" for code, n in verification.findings.items()) or EMPTY
