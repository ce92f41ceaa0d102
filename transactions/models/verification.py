"""Results of `verify_ledger`."""

from django.db import models


class Verification(models.Model):
    """One proof of the ledger: when it was made, what was checked, what was found. Append-only.

    `findings` has the code and the number of places of each rule that did not hold; the places
    themselves are in the report that was printed.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    is_sound = models.BooleanField(help_text="Every rule held.")
    checked = models.JSONField(default=dict, help_text="How many rows were checked, by kind.")
    findings = models.JSONField(default=dict, help_text="Places by the code of the broken rule.")

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Verification of {self.finished_at:%Y-%m-%d %H:%M}"
