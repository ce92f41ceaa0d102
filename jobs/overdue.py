"""Which of the jobs that workers run by themselves are overdue."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from core import clock
from jobs.models import JobRun
from jobs.states import JobState
from jobs.timetable import DueRun, ScheduledJob
from transactions.reads.duties import first_posted_at


def overdue_jobs(now: datetime | None = None) -> dict[str, datetime]:
    """Each job that is overdue, and since when it is due.

    A job is overdue when it was due more than BANK_JOB_LIMIT_MINUTES ago and is not done since, for
    that date or a later one. A bank without postings has nothing to do. Reads a row of an index for
    each scheduled job.
    """
    if not (settings.JOB_LIMIT_MINUTES and settings.JOBS):
        return {}
    now = now or clock.about_now()
    before = now - timedelta(minutes=settings.JOB_LIMIT_MINUTES)
    missed = _missed(settings.JOBS, before)
    if not missed:
        return {}
    first = first_posted_at()
    began = [due for due in missed if first is not None and first < due.at]
    return {due.name: due.at for due in began}


def _missed(scheduled: Iterable[ScheduledJob], before: datetime) -> list[DueRun]:
    return [due for one in scheduled if not _is_done(due := one.last_due(before))]


def _is_done(due: DueRun) -> bool:
    """Whether the run is done, or one after it. What was done for an earlier date is another."""
    done = JobRun.objects.filter(name=due.name, outcome=JobState.DONE)
    later = Q(ended_at__gte=due.at, date__gte=due.date)
    return done.filter(later | Q(date=due.date, slot=due.slot)).exists()
