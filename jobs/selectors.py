"""Reads of jobs and their runs."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

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
    """All jobs, in the order of the catalog. A few rows of indexes for each."""
    now = clock.about_now()
    asked = JobRun.objects.select_related("asked_by").order_by("-id")
    newest = {name: asked.filter(name=name).first() for name in JOBS}
    last_done = {run.name: run.ended_at for run in filter(None, map(last_success, JOBS))}
    next_due = {one.name: one.next_due(now) for one in settings.JOBS}
    overdue = overdue_jobs(now)
    return [
        JobStanding(job, newest[name], last_done.get(name), next_due.get(name), overdue.get(name))
        for name, job in JOBS.items()
    ]


def last_success(name: str) -> JobRun | None:
    """The run of this job that ended last as done."""
    done = JobRun.objects.filter(name=name, outcome=JobState.DONE)
    return done.order_by("-ended_at").first()
