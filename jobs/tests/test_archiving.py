"""The archive as a job of the bank's day."""

from typing import Any

import pytest

from jobs.models import JobRun
from jobs.runs import ask_for
from jobs.states import JobState
from jobs.tests.daily_bank import DAY, ORIGIN, DailyBank
from jobs.working import JobStopped, work_on
from transactions.archive import runs
from transactions.models import ArchiveRun, Transaction


@pytest.mark.django_db(transaction=True)
def test_a_stopped_run_goes_on_in_another_process_and_a_failed_one_is_told(
    daily_bank: DailyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = ask_for("archive_transactions", DAY, origin=ORIGIN)

    def stop(name: str) -> None:
        if name == "archive.marked":
            raise JobStopped

    with monkeypatch.context() as patched:
        patched.setattr(runs, "failpoint", stop)
        with pytest.raises(JobStopped):
            work_on(run.pk)
    run.refresh_from_db()
    assert (run.outcome, run.attempts, run.problem) == (JobState.WAITING, 0, "")
    done = work_on(run.pk)
    assert (done and done.outcome, done and done.detail["rows"]) == (JobState.DONE, 4)
    assert set(ArchiveRun.objects.values_list("caller", flat=True)) == {"job:archive_transactions"}
    assert Transaction.objects.filter(archived_at__isnull=False).count() == 4
    path = daily_bank.data / "archived_transactions.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    again, _ = ask_for("archive_transactions", DAY, slot="12:00", origin=ORIGIN)
    failed: Any = work_on(again.pk)
    assert failed.outcome == JobState.FAILED
    assert "archived_transactions.csv" in failed.problem
    assert JobRun.objects.count() == 2
