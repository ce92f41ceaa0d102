"""Each job does its work for a date once: asked twice, and after its outcome was lost."""

import pytest

from core.failpoints import FailpointReached, arm
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.runs import ask_for, take_back
from jobs.states import JobState
from jobs.tests.daily_bank import DAY, EXPECTED, ORIGIN, TRACES, DailyBank
from jobs.working import work_on, worker_name
from seals.heads import head_of
from seals.models import Seal
from tests.factories import deposit, make_account
from transactions.verifier import verify


@pytest.mark.django_db(transaction=True)
def test_each_job_does_its_work_once(daily_bank: DailyBank) -> None:
    """The first process dies after the work; the second repeats it, the third has nothing to do."""
    assert JOBS.keys() == TRACES.keys()
    for name in JOBS:
        run, _ = ask_for(name, DAY, origin=ORIGIN)
        arm("job.worked=raise")
        with pytest.raises(FailpointReached):
            work_on(run.pk)
        trace = TRACES[name](daily_bank)
        assert trace == EXPECTED.get(name, trace), name
        assert work_on(run.pk) is None  # The lease has not ended.
        assert take_back(worker_name()) == 1
        done = work_on(run.pk)
        assert done is not None
        assert (done.outcome, done.problem, done.attempts) == (JobState.DONE, "", 2), name
        assert ask_for(name, DAY, origin=ORIGIN) == (done, False)
        assert work_on(run.pk) is None
        assert TRACES[name](daily_bank) == trace, name
    assert JobRun.objects.count() == len(JOBS)
    deposit(make_account(), 1)
    told = JOBS["seal_ledger"].work(DAY, "")
    assert told == {"seal": head_of(Seal.objects.latest("number"))}
    assert verify().ok
