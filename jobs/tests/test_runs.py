"""Runs: one for each date, one process at work, and every way to end."""

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from core import clock
from core.background import JobFailed
from core.errors import Busy, InvalidInput, NotFound
from jobs import catalog, runs
from jobs.models import JobRun
from jobs.problems import JobBusy
from jobs.states import JobState
from jobs.tests.daily_bank import DAY, NOON, ORIGIN
from jobs.working import JobStopped, work_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> JobRun:
    return runs.ask_for("verify_ledger", DAY, origin=ORIGIN)[0]


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces the work of the job by a function."""

    def replace(work: Any) -> None:
        job = catalog.Job("verify_ledger", "", "", work)
        monkeypatch.setitem(catalog.JOBS, "verify_ledger", job)

    return replace


def raising(error: BaseException) -> Any:
    def work(_day: Any, _slot: str) -> Any:
        raise error

    return work


def test_a_run_is_asked_for_once(run: JobRun) -> None:
    assert runs.ask_for("verify_ledger", DAY, origin=ORIGIN) == (run, False)
    other, is_new = runs.ask_for("verify_ledger", DAY, slot="02:00", origin=ORIGIN)
    assert is_new
    assert other != run
    with pytest.raises(NotFound):
        runs.ask_for("nothing", DAY, origin=ORIGIN)
    with time_machine.travel(NOON), pytest.raises(InvalidInput):
        runs.ask_for("verify_ledger", DAY + timedelta(days=1), origin=ORIGIN)


def test_a_rival_that_fails_at_once_is_in_nobodys_way(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival stands when the new run is inserted, and has failed when it is looked for."""
    look = runs._standing
    looks = 0

    def standing(name: str, day: date, slot: str) -> JobRun | None:
        nonlocal looks
        looks += 1
        if looks == 2:
            lease = runs.claim(run.pk, "rival")
            assert lease is not None
            assert runs.fail(lease, "No disk.")
        return None if looks == 1 else look(name, day, slot)

    monkeypatch.setattr(runs, "_standing", standing)
    mine, is_new = runs.ask_for("verify_ledger", DAY, origin=ORIGIN)
    assert is_new
    assert mine != run
    monkeypatch.setattr(runs, "_standing", lambda *_: None)
    with pytest.raises(Busy):
        runs.ask_for("verify_ledger", DAY, origin=ORIGIN)
    assert JobRun.objects.count() == 2


@pytest.mark.parametrize("name", ["archive_transactions", "issue_statements", "export_lake"])
def test_a_job_works_for_every_date_that_is_taken(name: str, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.LAKE_DIR = tmp_path, None
    for day in (date.min, runs.EARLIEST - timedelta(days=1)):
        with pytest.raises(InvalidInput) as caught:
            runs.ask_for(name, day, origin=ORIGIN)
        assert caught.value.errors[0].code == "out_of_range"
    ended = work_on(runs.ask_for(name, runs.EARLIEST, origin=ORIGIN)[0].pk)
    assert ended is not None
    assert (ended.outcome, ended.problem) == (JobState.DONE, "")


def test_one_process_holds_the_lease_and_a_late_one_ends_nothing(run: JobRun) -> None:
    now = clock.now()
    first = runs.claim(run.pk, "first")
    assert first is not None
    assert runs.claim(run.pk, "second") is None
    assert not runs.startable(now + timedelta(seconds=59)).exists()
    assert runs.extend(first)
    with time_machine.travel(now + timedelta(seconds=70)):
        assert runs.startable(clock.now()).get() == run
        second = runs.claim(run.pk, "second")
    assert second is not None
    for end in (runs.extend, runs.give_back):
        assert not end(first)
    assert not runs.finish(first, {})
    assert not runs.fail(first, "x")
    assert not runs.put_off(first, "x")
    assert runs.finish(second, {"a": 1})
    run.refresh_from_db()
    assert (run.outcome, run.detail, run.worker, run.attempts) == ("DONE", {"a": 1}, "second", 2)


@pytest.mark.parametrize(
    ("error", "outcome", "problem"),
    [
        (JobFailed("No disk."), "FAILED", "No disk."),
        (ValueError("odd\nthing\0"), "FAILED", "ValueError: odd thing"),
        (JobBusy("Another one."), "WAITING", "Another one."),
    ],
)
def test_an_error_is_kept(
    run: JobRun, works: Any, error: Exception, outcome: str, problem: str
) -> None:
    works(raising(error))
    ended = work_on(run.pk)
    assert ended is not None
    assert (ended.outcome, ended.problem) == (outcome, problem)
    again, is_new = runs.ask_for("verify_ledger", DAY, origin=ORIGIN)
    assert (again != run) == is_new == (outcome == "FAILED")


def test_a_busy_job_starts_again_after_a_minute_and_fails_in_the_end(
    run: JobRun, works: Any
) -> None:
    works(raising(JobBusy("Another one.")))
    begin = clock.now()
    for attempt in range(1, runs.MAX_ATTEMPTS + 1):
        moment = begin + 2 * attempt * runs.PAUSE
        with time_machine.travel(moment, tick=False):
            assert runs.startable(clock.now()).get() == run
            ended = work_on(run.pk)
            assert not runs.startable(clock.now()).exists()
    assert ended is not None
    assert (ended.outcome, ended.attempts) == (JobState.FAILED, runs.MAX_ATTEMPTS)


def test_a_run_that_kills_its_processes_is_given_up(run: JobRun) -> None:
    for _ in range(runs.MAX_ATTEMPTS):
        assert runs.claim(run.pk, "me")
        assert runs.take_back("me") == 1
    assert runs.claim(run.pk, "me") is None
    run.refresh_from_db()
    assert run.outcome == JobState.FAILED
    assert run.problem.startswith("Given up after 5 starts")


def test_a_stopped_process_gives_the_run_back(run: JobRun, works: Any) -> None:
    works(raising(JobStopped()))
    with pytest.raises(JobStopped):
        work_on(run.pk)
    run.refresh_from_db()
    assert (run.outcome, run.attempts) == (JobState.WAITING, 0)


@pytest.mark.django_db(transaction=True)
def test_a_lost_lease_is_noticed_while_the_work_goes_on(
    run: JobRun, works: Any, settings: Any
) -> None:
    settings.WORKER_LEASE_SECONDS = 0.3
    told: list[bool] = []

    def work(_day: Any, _slot: str) -> dict[str, Any]:
        JobRun.objects.filter(pk=run.pk).update(lease_token=run.pk)
        for _ in range(200):
            if told:
                break
            time.sleep(0.02)
        return {}

    works(work)
    assert work_on(run.pk, when_lost=lambda: told.append(True)) is None
    assert told
