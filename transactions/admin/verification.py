"""Results of `verify_ledger`."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from core.console.admin import EMPTY, ReadOnlyModelAdmin, badge
from core.console.admin_filters import DaysById
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
