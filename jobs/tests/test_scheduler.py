"""What a worker asks for by itself. tests/crash/test_jobs.py has its processes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from core import clock
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.runs import ask_for, claim, fail, startable
from jobs.scheduler import JobScheduler
from jobs.tests.daily_bank import NOON, ORIGIN
from jobs.timetable import parse
from jobs.working import work_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[JobRun]:
    """The runs that would have got a process."""
    runs: list[JobRun] = []
    monkeypatch.setattr(JobScheduler, "_start", lambda _, run: runs.append(run))
    return runs


def test_each_due_run_is_asked_for_once_whatever_became_of_it(
    settings: Any, started: list[JobRun]
) -> None:
    settings.JOBS = parse("delete_expired@02:00,backup@*/2h,issue_statements@1/13:00", JOBS)
    with time_machine.travel(NOON, tick=False):
        for scheduler in (JobScheduler(), JobScheduler()):
            scheduler.work()
            scheduler.work()
        assert set(JobRun.objects.values_list("name", "date", "slot", "due_at")) == {
            ("delete_expired", NOON.date(), "", NOON.replace(hour=2)),
            ("backup", NOON.date(), "12:00", NOON),
            (
                "issue_statements",
                NOON.date().replace(month=11),
                "",
                NOON.replace(month=11, hour=13),
            ),
        }
        lease = claim(JobRun.objects.get(name="backup").pk, "me")
        assert lease is not None
        assert fail(lease, "No disk.")
        JobScheduler().work()
        assert JobRun.objects.count() == 3
        assert [run.name for run in startable(clock.now())] == [
            "issue_statements",
            "delete_expired",
        ]
    with time_machine.travel(NOON + timedelta(hours=14), tick=False):
        scheduler.work()
        assert JobRun.objects.count() == 6
    assert {run.name for run in started} == {"delete_expired", "backup", "issue_statements"}


def test_runs_of_a_job_that_is_gone_harm_nobody(
    started: list[JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = ask_for("backup", NOON.date(), origin=ORIGIN)
    monkeypatch.delitem(JOBS, "backup")
    JobScheduler().work()
    assert started == []
    ended = work_on(run.pk)
    assert ended is not None
    assert ended.outcome == "FAILED"
    assert ended.problem.startswith("There is no job backup.")


def test_a_bank_without_scheduled_jobs_runs_what_is_asked_for(started: list[JobRun]) -> None:
    scheduler = JobScheduler()
    scheduler.work()
    assert started == []
