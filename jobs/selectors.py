"""Reads of jobs and their runs."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from core import clock
from jobs.catalog import JOBS, Job
from jobs.models import JobRun
from jobs.overdue import overdue_jobs
from jobs.states import JobState


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A job with its newest run, its last success, and when workers start it by themselves.

    `next_due` is null for a job that is not scheduled; `overdue_since` for one that is not overdue.
    """

    job: Job
    newest: JobRun | None
    last_done_at: datetime | None
    next_due: datetime | None
    overdue_since: datetime | None


def standings() -> list[JobStanding]:
    """All jobs, in the order of the catalog. Three statements, and one for each scheduled job."""
    now = clock.about_now()
    newest_ids = [
        pk
        for name in JOBS
        for pk in JobRun.objects.filter(name=name).order_by("-id").values_list("pk", flat=True)[:1]
    ]
    newest = {run.name: run for run in JobRun.objects.filter(pk__in=newest_ids)}
    done = JobRun.objects.filter(outcome=JobState.DONE).order_by().values_list("name")
    last_done = dict(done.annotate(at=Max("ended_at")))
    next_due = {one.name: one.next_due(now) for one in settings.JOBS}
    overdue = overdue_jobs(now)
    return [
        JobStanding(
            job, newest.get(name), last_done.get(name), next_due.get(name), overdue.get(name)
        )
        for name, job in JOBS.items()
    ]
