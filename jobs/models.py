"""Runs of jobs."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.states import STANDING, JobState


class JobRun(models.Model):
    """One run of a job for a business date: asked for, under way, done or failed.

    A job has one run for a date that is not failed, so its work is done once. Runs that come more
    often than daily have a `slot` each, the time since midnight as HH:MM. `lease_token` fences a
    run under way: only the process that holds the lease may end it. `attempts` counts its starts.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=50, help_text="The job.")
    date = models.DateField(help_text="The business date, in the bank's time zone.")
    slot = models.CharField(
        max_length=5,
        blank=True,
        default="",
        help_text="HH:MM since midnight, for one of several runs on a date; empty for the date's.",
    )
    outcome = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="A worker starts it no earlier.")
    started_at = models.DateTimeField(null=True, blank=True, help_text="Its last start.")
    ended_at = models.DateTimeField(null=True, blank=True)
    detail = models.JSONField(default=dict, help_text="What it did.")
    problem = models.CharField(
        max_length=500, blank=True, default="", help_text="Why its last start did not succeed."
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    caller = models.CharField(max_length=100, blank=True, default="")
    worker = models.CharField(max_length=100, blank=True, default="", help_text="Host and process.")
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = (("run_job", "Can run jobs"),)
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["name", "date", "slot"],
                condition=Q(outcome__in=STANDING),
                name="job_done_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome=JobState.RUNNING,
                    lease_token__isnull=False,
                    lease_expires_at__isnull=False,
                    started_at__isnull=False,
                )
                | (
                    ~Q(outcome=JobState.RUNNING)
                    & Q(lease_token__isnull=True, lease_expires_at__isnull=True)
                ),
                name="job_lease_while_running",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=JobState.values), name="job_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=(JobState.DONE, JobState.FAILED),
                    started_at__isnull=False,
                    ended_at__isnull=False,
                )
                | Q(outcome__in=(JobState.WAITING, JobState.RUNNING), ended_at__isnull=True),
                name="job_ended_with_outcome",
            ),
        )
        indexes = (
            models.Index(fields=["outcome", "due_at"], name="job_under_way"),
            models.Index(fields=["name", "outcome", "-ended_at"], name="job_last_of_outcome"),
            models.Index(fields=["name", "-id"], name="job_newest"),
        )

    def __str__(self) -> str:
        return f"{self.name} for {self.date}{f' {self.slot}' if self.slot else ''}"
