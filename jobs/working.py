"""Works on a run in this process, with a heartbeat, until its outcome is recorded."""

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError

from core.background import JobFailed
from core.errors import BankError, Busy
from core.failpoints import failpoint
from core.failures import told
from core.files import FileBusy, FileProblem
from core.leases import extended
from jobs import runs
from jobs.models import JobRun
from jobs.problems import JobBusy

logger = logging.getLogger(__name__)


class JobStopped(KeyboardInterrupt):
    """Raised inside the work when the process is to end, or has lost its lease.

    It is a KeyboardInterrupt because psycopg then cancels the running statement.
    """


def worker_name(pid: int | None = None) -> str:
    """The name of a process of this host: by default, this one."""
    return f"{socket.gethostname()}:{pid or os.getpid()}"


def work_on(run_id: UUID, *, when_lost: Callable[[], object] = lambda: None) -> JobRun | None:
    """Does the work of a run, and returns the run with its outcome.

    `when_lost` is called in another thread if the lease is lost meanwhile. None if another process
    works on the run, or has taken it over. Raises JobStopped, and the database's errors while the
    outcome cannot be recorded: the lease then ends by itself.
    """
    lease = runs.claim(run_id, worker_name())
    if lease is None:
        return None
    run = JobRun.objects.get(pk=run_id)
    try:
        with extended(partial(runs.extend, lease), when_lost):
            is_recorded = _work(run, lease)
    except JobStopped:
        runs.give_back(lease)
        raise
    failpoint("job.recorded")
    run.refresh_from_db()
    return run if is_recorded else None


def _work(run: JobRun, lease: runs.Lease) -> bool:
    """Returns whether the outcome is recorded: not if the lease was lost."""
    try:
        detail = runs.job_named(run.name).work(run.date, run.slot)
    except (JobBusy, FileBusy, Busy, DatabaseError) as error:
        logger.info("The job %s has to wait: %s", run, told(error))
        return runs.put_off(lease, told(error))
    except (JobFailed, FileProblem, BankError) as error:
        logger.error("The job %s failed: %s", run, told(error))  # noqa: TRY400 - it says all
        return runs.fail(lease, told(error))
    except Exception as error:
        logger.exception("The job %s failed", run)
        return runs.fail(lease, f"{type(error).__name__}: {error}")
    failpoint("job.worked")
    return runs.finish(lease, detail)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """In the block SIGTERM and SIGINT raise JobStopped in the main thread of this process."""

    def stop(_number: int, _frame: Any) -> None:
        raise JobStopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
