"""Runs: asked for, claimed with a lease, ended by the holder of the lease.

The lease is a token with an end. The process that works extends it. If the process dies, the lease
ends and the next one claims the run. A process that was asleep meanwhile finds its token gone, and
can end nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from core import clock
from core.commands import Origin
from core.errors import Busy, FieldError, InvalidInput, NotFound
from core.failpoints import failpoint
from core.identifiers import uuid7
from jobs.catalog import JOBS, Job
from jobs.models import JobRun
from jobs.states import STANDING, JobState
from transactions.statistics.spans import Calendar

# A run that was started so often, and did not end, fails.
MAX_ATTEMPTS = 5
# Jobs count months and days back from a date, and months begin in 1970.
EARLIEST = date(1971, 1, 1)
# The pause before a run that could not work starts again.
PAUSE = timedelta(minutes=1)
_LONGEST_PROBLEM = 500
# How often a run is inserted that another one stands in the way of, and then has failed.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to end a run."""

    run_id: UUID
    token: UUID


def job_named(name: str) -> Job:
    """Raises NotFound."""
    try:
        return JOBS[name]
    except KeyError:
        raise NotFound(f"There is no job {name[:50]}.") from None


def business_date() -> date:
    """Today in the bank's time zone."""
    return Calendar().day_of(clock.now())


def ask_for(
    name: str,
    day: date,
    *,
    slot: str = "",
    origin: Origin,
    due_at: datetime | None = None,
    new_id: Callable[[datetime], UUID] = uuid7,
) -> tuple[JobRun, bool]:
    """The run of a job for a date, and whether this call has made it.

    Makes none where one waits, works or is done. After a failed one it makes another. Raises
    NotFound for an unknown job, InvalidInput for a date that has not come, or before EARLIEST, and
    Busy if others come first and fail again and again.
    """
    job_named(name)
    now = clock.now()
    _check(day, Calendar().day_of(now))
    for _ in range(_TRIES):
        if (standing := _standing(name, day, slot)) is not None:
            return standing, False
        run = JobRun(
            id=new_id(now),
            name=name,
            date=day,
            slot=slot,
            asked_at=now,
            due_at=due_at or now,
            asked_by_id=origin.user_id,
            caller=origin.caller,
        )
        if _inserted(run):
            failpoint("job.asked_for")
            return run, True
    raise Busy(f"Runs of {name} for {day} begin and fail at this moment.")


def _inserted(run: JobRun) -> bool:
    """Stores a new run; false if another one has come first, which may have failed meanwhile."""
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _check(day: date, today: date) -> None:
    """Raises InvalidInput for a date that no job works for."""
    if day > today:
        code, detail = "in_the_future", "The date has not come yet."
    elif day < EARLIEST:
        code, detail = "out_of_range", f"The earliest date of a job is {EARLIEST}."
    else:
        return
    raise InvalidInput(errors=[FieldError("/date", code, detail)])


def _standing(name: str, day: date, slot: str) -> JobRun | None:
    found = JobRun.objects.filter(name=name, date=day, slot=slot, outcome__in=STANDING)
    return found.first()


def startable(now: datetime) -> QuerySet[JobRun]:
    """The runs that a worker may start: those that are due, and those whose lease has ended."""
    return JobRun.objects.filter(
        Q(outcome=JobState.WAITING, due_at__lte=now)
        | Q(outcome=JobState.RUNNING, lease_expires_at__lt=now)
    ).order_by("due_at", "id")


def claim(run_id: UUID, worker: str) -> Lease | None:
    """Starts a run that waits, or whose lease has ended, for this worker alone.

    None if another process works on it, or it has ended. A run started too often fails here.
    """
    now = clock.now()
    free = JobRun.objects.filter(
        Q(outcome=JobState.WAITING) | Q(outcome=JobState.RUNNING, lease_expires_at__lt=now),
        pk=run_id,
    )
    given_up = f"Given up after {MAX_ATTEMPTS} starts, none of which came to its end."
    free.filter(attempts__gte=MAX_ATTEMPTS).update(**_ended(JobState.FAILED, now, given_up))
    lease = Lease(run_id, uuid4())
    claimed = free.filter(attempts__lt=MAX_ATTEMPTS).update(
        outcome=JobState.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        worker=worker[:100],
        lease_token=lease.token,
        lease_expires_at=now + _lease_time(),
    )
    if not claimed:
        return None
    failpoint("job.claimed")
    return lease


def extend(lease: Lease) -> bool:
    """The heartbeat. Returns whether the lease is still held."""
    until = clock.now() + _lease_time()
    return bool(_held(lease).update(lease_expires_at=until))


def finish(lease: Lease, detail: Mapping[str, Any]) -> bool:
    """Ends the run as done. Returns false if the lease was lost, and nothing changed."""
    ended = _ended(JobState.DONE, clock.now()) | {"detail": dict(detail)}
    return bool(_held(lease).update(**ended))


def fail(lease: Lease, problem: str) -> bool:
    """As `finish`, with the reason of the failure."""
    return bool(_held(lease).update(**_ended(JobState.FAILED, clock.now(), problem)))


def put_off(lease: Lease, problem: str) -> bool:
    """Lets the run wait a minute before it starts again; fails it after the last attempt."""
    if _held(lease).filter(attempts__gte=MAX_ATTEMPTS).exists():
        return fail(lease, problem)
    due_at = clock.now() + PAUSE
    return bool(_held(lease).update(**_waiting(), due_at=due_at, problem=_cut(problem)))


def give_back(lease: Lease) -> bool:
    """Lets another process start the run at once. This start does not count."""
    return bool(_held(lease).update(**_waiting(), attempts=F("attempts") - 1))


def take_back(worker: str) -> int:
    """Lets others start the runs of a process that has died. Returns how many."""
    held = JobRun.objects.filter(outcome=JobState.RUNNING, worker=worker)
    return held.update(**_waiting())


def _held(lease: Lease) -> QuerySet[JobRun]:
    return JobRun.objects.filter(pk=lease.run_id, outcome=JobState.RUNNING, lease_token=lease.token)


def _ended(outcome: JobState, now: datetime, problem: str = "") -> dict[str, Any]:
    return {
        "outcome": outcome,
        "ended_at": now,
        "problem": _cut(problem),
        "lease_token": None,
        "lease_expires_at": None,
    }


def _waiting() -> dict[str, Any]:
    return {"outcome": JobState.WAITING, "lease_token": None, "lease_expires_at": None}


def _cut(problem: str) -> str:
    return " ".join(problem.replace("\0", "").split())[:_LONGEST_PROBLEM]


def _lease_time() -> timedelta:
    return timedelta(seconds=settings.WORKER_LEASE_SECONDS)
