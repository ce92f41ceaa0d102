"""Results of `verify_ledger`."""

from django.db import models

from core.days import shown_moment


class Verification(models.Model):
    """One proof of the ledger: its time, its checks and its findings. Append-only.

    `findings` has the code of each broken rule and its number of places. `places` has the first
    100 of the places, each with the rule's code and sentence, what it names (an account, a
    transaction, a sequence ...), and the value expected and found. It is NULL in results of earlier
    releases.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    is_sound = models.BooleanField(help_text="Every rule held.")
    checked = models.JSONField(default=dict, help_text="How many rows were checked, by kind.")
    findings = models.JSONField(default=dict, help_text="Places by the code of the broken rule.")
    places = models.JSONField(null=True, default=list, help_text="Where the rules are broken.")

    class Meta:
        default_permissions = ("view",)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Verification of {shown_moment(self.finished_at)}"
