"""The page Jobs: what the bank does every day, what is overdue, and a button to do it now."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bankproject.console.durations import in_seconds
from bankproject.console.words import at
from core import clock
from core.api.requests import origin_of
from core.console.admin import badge
from core.console.command_form import in_one_line
from core.errors import BankError
from core.staff_log import record
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.permissions import RUN_RIGHT, VIEW_RIGHT
from jobs.representation import detail_in_texts
from jobs.runs import ask_for, business_date, job_named
from jobs.selectors import JobStanding, standings
from jobs.states import UNDER_WAY, JobState
from transactions.admin.timeline import caller_in_words
from transactions.statistics.spans import Calendar

_NEWEST = 25
_COLOURS = {"Done": "success", "Failed": "danger", "Running": "info", "Overdue": "danger"}


@require_safe
def jobs_page(request: HttpRequest) -> HttpResponse:
    """Needs the right to view runs. Who may run jobs sees buttons."""
    if not request.user.has_perm(VIEW_RIGHT):
        raise PermissionDenied
    newest = JobRun.objects.select_related("asked_by").order_by("-id")[:_NEWEST]
    context = {
        **admin.site.each_context(request),
        "title": "Jobs",
        "zone": Calendar().name,
        "may_run": request.user.has_perm(RUN_RIGHT),
        "jobs": [_row(one) for one in standings()],
        "runs": [_run(run) for run in newest],
    }
    return render(request, "console/jobs.html", context)


@require_POST
def run_now(request: HttpRequest) -> HttpResponse:
    """Asks for the run of today; where that is done, for a run of this minute."""
    if not request.user.has_perm(RUN_RIGHT):
        raise PermissionDenied
    try:
        job = job_named(request.POST.get("job", ""))
        run, is_new = _ask_for(job.name, request)
    except BankError as error:
        messages.error(request, in_one_line(error))
        return redirect("jobs-page")
    if is_new:
        messages.success(request, f"{job.title}: a worker starts it now.")
    else:
        messages.info(request, f"{job.title}: asked for at {at(run.asked_at)} already.")
    return redirect("jobs-page")


def _ask_for(name: str, request: HttpRequest) -> tuple[JobRun, bool]:
    """The run, and whether it is new; a new one stands in the audit log."""
    origin, day = origin_of(request), business_date()
    with transaction.atomic():
        run, is_new = ask_for(name, day, origin=origin)
        if run.outcome == JobState.DONE:
            now = clock.now()
            minutes = int((now - Calendar().start_of(day)).total_seconds() // 60)
            slot = f"{minutes // 60:02}:{minutes % 60:02}"
            run, is_new = ask_for(name, day, slot=slot, origin=origin)
        if is_new:
            record(origin.user_id, run, str(run), ADDITION, "Asked for this run")
    return run, is_new


def _row(one: JobStanding) -> dict[str, Any]:
    newest = one.newest
    return {
        "name": one.job.name,
        "title": one.job.title,
        "meaning": one.job.meaning,
        "state": _state(newest) if newest else "Never run",
        "problem": newest.problem if newest and newest.outcome != JobState.DONE else "",
        "last_done": at(one.last_done_at) if one.last_done_at else "Never",
        "next_due": at(one.next_due) if one.next_due else "Not by itself",
        "overdue": badge("Overdue", _COLOURS) if one.overdue_since else "",
        "overdue_since": at(one.overdue_since) if one.overdue_since else "",
        "is_under_way": newest is not None and newest.outcome in UNDER_WAY,
    }


def _state(run: JobRun) -> str:
    return badge(JobState(run.outcome).label, _COLOURS)


def _run(run: JobRun) -> dict[str, Any]:
    took = run.ended_at - run.started_at if run.ended_at and run.started_at else None
    facts = ", ".join(f"{name}: {text}" for name, text in detail_in_texts(run).items())
    return {
        "title": JOBS[run.name].title if run.name in JOBS else run.name,
        "date": f"{run.date} {run.slot}".strip(),
        "state": _state(run),
        "started": at(run.started_at) if run.started_at else "",
        "took": in_seconds(int(took.total_seconds() * 1_000_000)) if took is not None else "",
        "by": str(run.asked_by or caller_in_words(run.caller) or "-"),
        "attempts": run.attempts,
        "detail": run.problem or facts or "-",
    }
