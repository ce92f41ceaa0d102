"""Runs of the archive, and the segments of the file that they wrote."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.days import shown_moment


class ArchiveRun(models.Model):
    """One run of `archive_transactions`: its transactions, and their place in the file.

    `rows`, `sums`, `digest` and `file_end` change with each segment, in the database transaction
    that marks the segment's rows: they are accurate at any moment, even for a killed run.
    `finished_at` is null while a run goes on. An incomplete run has a `problem`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=100, blank=True, default="", help_text="The job.")
    bounds = models.JSONField(default=dict, help_text="The selection, as it was asked for.")
    rows = models.PositiveBigIntegerField(default=0)
    sums = models.JSONField(default=dict, help_text="Sum of amounts by currency.")
    digest = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 chain.")
    file_start = models.PositiveBigIntegerField(default=0, help_text="First byte in the file.")
    file_end = models.PositiveBigIntegerField(default=0, help_text="The byte after the last.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(
        max_length=500, blank=True, default="", help_text="Why it did not come to its end."
    )

    class Meta:
        default_permissions = ("view",)
        permissions = (("run_archive", "Can archive transactions"),)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Archive run of {shown_moment(self.started_at)}"


class ArchiveSegment(models.Model):
    """The lines of one batch of a run, marked in one database transaction. Append-only.

    Segments are numbered 1..n without a gap, and each begins in the file where the previous one
    ends: if two runs write at once, the database refuses the second one's segment. `digest` is
    SHA-256 over the previous digest (32 bytes; for the first segment, the header's) and the
    segment's bytes, so it covers the file up to `file_end`. `checkpoint` has the sum of all
    archived postings of each internal account, by its id.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    run = models.ForeignKey(
        ArchiveRun, on_delete=models.PROTECT, related_name="segments", editable=False
    )
    rows = models.PositiveBigIntegerField()
    sums = models.JSONField(default=dict, help_text="Sum of amounts by currency.")
    checkpoint = models.JSONField(
        default=dict, help_text="Archived postings of each internal account until here, signed."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 chain.")
    file_start = models.PositiveBigIntegerField(unique=True, help_text="First byte in the file.")
    file_end = models.PositiveBigIntegerField(unique=True, help_text="The byte after the last.")
    recorded_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(
                condition=Q(number__gt=0, rows__gt=0, file_end__gt=F("file_start")),
                name="archive_segment_not_empty",
            ),
        )

    def __str__(self) -> str:
        return f"Segment {self.number}"
