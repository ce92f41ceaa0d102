"""The workers' part: asks for the runs that are due, and starts what waits, each in a process."""

import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from core import clock
from core.background import BackgroundJob
from core.commands import Origin
from core.metrics import folder
from jobs import runs
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.timetable import DueRun
from jobs.working import worker_name

logger = logging.getLogger(__name__)

_ORIGIN = Origin(caller="job:schedule")
_WAIT_SECONDS = 0.2
_STARTS_AT_ONCE = 2
# A process that is told to stop gives its run back, and ends.
_STOP_SECONDS = 4.0


class JobScheduler(BackgroundJob):
    """Any number of workers has one. A run is a process of its own: it may need much memory, or be
    killed, and the worker goes on with money.
    """

    name = "schedule of jobs"
    look_seconds = 1.0
    seconds_after_a_failure = 30.0

    def __init__(self) -> None:
        super().__init__()
        # By job, the last run that this worker has asked for or found.
        self._asked: dict[str, datetime] = {}

    def look(self) -> None:
        """One small read in the worker's own thread; a thread only where there is work."""
        if self._is_working():
            return
        now = clock.about_now()
        if any(self._newly_due(now)) or self._startable(now).exists():
            super().look()

    def _is_working(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @staticmethod
    def _startable(now: datetime) -> QuerySet[JobRun]:
        """Without runs of jobs that this release does not have."""
        return runs.startable(now).filter(name__in=JOBS)

    def _newly_due(self, now: datetime) -> Iterator[DueRun]:
        due = (one.last_due(now) for one in settings.JOBS)
        return (one for one in due if self._asked.get(one.name) != one.at)

    def work(self) -> None:
        for due in self._newly_due(clock.now()):
            self._ask_for(due)
        started: Counter[UUID] = Counter()
        while run := self._next(started):
            started[run.pk] += 1
            self._start(run)

    def _next(self, started: Counter[UUID]) -> JobRun | None:
        """A run to start. One whose process died is started once more at once, later at a look."""
        if self._stopping.is_set():
            return None
        found = self._startable(clock.now())
        return next((run for run in found if started[run.pk] < _STARTS_AT_ONCE), None)

    def _ask_for(self, due: DueRun) -> None:
        """Asks for a run unless there was one, even a failed one."""
        known = JobRun.objects.filter(name=due.name, date=due.date, slot=due.slot)
        if not known.exists():
            runs.ask_for(due.name, due.date, slot=due.slot, origin=_ORIGIN, due_at=due.at)
        self._asked[due.name] = due.at

    def _start(self, run: JobRun) -> None:
        """Runs a process to its end. Another worker may be first; then it does nothing."""
        words = ["run_job", run.name, f"--run={run.pk}", "--end-with-parent"]
        # Counts of a short-lived process would stay among those of the server.
        environment = {k: v for k, v in os.environ.items() if k != folder.VARIABLE}
        process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            if self._stopping.wait(_WAIT_SECONDS):
                process.terminate()
                _end(process)
        logger.info("The job %s ended with code %s", run, process.returncode)
        # What it held, it holds no more: it was killed, or could not tell its outcome.
        if runs.take_back(worker_name(process.pid)):
            logger.error("The process of the job %s died; another one takes it over", run)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
