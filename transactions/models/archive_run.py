"""Runs of the archive."""

from django.conf import settings
from django.db import models


class ArchiveRun(models.Model):
    """One run of `archive_transactions`: what it took, and where in the file it lies."""

    id = models.UUIDField(primary_key=True, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    bounds = models.JSONField(default=dict, help_text="The selection, as it was asked for.")
    rows = models.PositiveBigIntegerField(default=0)
    sums = models.JSONField(default=dict, help_text="Sum of amounts by currency.")
    digest = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 chain.")
    file_start = models.PositiveBigIntegerField(default=0, help_text="First byte in the file.")
    file_end = models.PositiveBigIntegerField(default=0, help_text="The byte after the last.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = (("run_archive", "Can archive transactions"),)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Archive run of {self.started_at:%Y-%m-%d %H:%M}"
