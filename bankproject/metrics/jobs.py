"""What metrics tell of jobs."""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count

from bankproject.metrics.cache import Value
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.overdue import overdue_jobs
from jobs.selectors import last_success

# Name, meaning and labels of each.
DESCRIBED: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank_job_last_success_timestamp_seconds": (
        "When a job last succeeded, in seconds since 1970.",
        ("name",),
    ),
    "bank_job_last_success_seconds": ("Time that the last success of a job took.", ("name",)),
    "bank_job_runs": ("Runs of jobs by outcome, since the bank began.", ("name", "outcome")),
    "bank_job_overdue": ("Whether a job that workers start is overdue (1 or 0).", ("name",)),
}


def read_jobs() -> Iterator[Value]:
    """Two rows of an index for each job, and a count in another one."""
    for run in filter(None, map(last_success, JOBS)):
        if run.ended_at and run.started_at:
            yield "bank_job_last_success_timestamp_seconds", (run.name,), run.ended_at.timestamp()
            took = (run.ended_at - run.started_at).total_seconds()
            yield "bank_job_last_success_seconds", (run.name,), took
    counted = JobRun.objects.order_by().values_list("name", "outcome").annotate(runs=Count("pk"))
    for name, outcome, count in counted:
        yield "bank_job_runs", (name, outcome), count
    overdue = overdue_jobs()
    for one in settings.JOBS:
        yield "bank_job_overdue", (one.name,), float(one.name in overdue)
