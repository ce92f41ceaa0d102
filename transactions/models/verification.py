"""Results of `verify_ledger`."""

from django.db import models


class Verification(models.Model):
    """One proof of the ledger: its time, its checks and its findings. Append-only.

    `findings` has the code of each broken rule and its number of places. The places themselves are
    in the printed report.
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
