"""`manage.py run_job`: does the work of a job for a date, once."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.actors import add_actor, origin_of_actor
from core.arguments import day, identifier
from core.errors import BankError
from core.failures import told
from core.results import BUSY, PROBLEM, WRONG_USE, add_json, write_result
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.permissions import RUN_RIGHT
from jobs.representation import represent
from jobs.runs import ask_for, business_date
from jobs.states import JobState
from jobs.working import JobStopped, stop_this_process, stopped_by_signals, work_on
from transactions.queue.supervisor import end_with_parent

# As a shell names the end by SIGTERM.
_STOPPED = 143


class Command(BaseCommand):
    help = (
        "Does the work of a job for a date, in this process. For a date whose work is done it does"
        " nothing. Exit codes: 0 done, also before; 1 failed, with the reason; 2 wrong use; 3"
        " another process works on it, or it has to wait; 143 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=list(JOBS), metavar="NAME", help=", ".join(JOBS))
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--date",
            type=day,
            metavar="DATE",
            help="the business date, like 2026-01-31 (default: today, in the bank's time zone)",
        )
        which.add_argument(
            "--run", type=identifier, metavar="ID", help="this run, which was asked for before"
        )
        parser.add_argument(
            "--end-with-parent", action="store_true", help="stop when the starting process ends"
        )
        add_actor(parser, "to run jobs")
        add_json(parser)

    def handle(self, **options: Any) -> None:
        if options["end_with_parent"]:
            end_with_parent()
        origin = origin_of_actor(options["actor"], right=RUN_RIGHT, caller="job:run_job")
        try:
            with stopped_by_signals():
                run = (
                    _run_of(options["run"], options["name"])
                    if options["run"]
                    else ask_for(
                        options["name"], options["date"] or business_date(), origin=origin
                    )[0]
                )
                worked = run.ended_at is None and work_on(run.pk, when_lost=stop_this_process)
                run.refresh_from_db()
        except JobStopped:
            raise CommandError("Stopped.", returncode=_STOPPED) from None
        except BankError as error:
            raise CommandError(_words_of(error), returncode=WRONG_USE) from error
        except DatabaseError as error:
            raise CommandError(told(error), returncode=PROBLEM) from error
        self._show(run, before="" if worked else " before", as_json=options["json"])

    def _show(self, run: JobRun, *, before: str, as_json: bool) -> None:
        """`before` says that the run had ended, or that another process works on it."""
        if run.outcome == JobState.DONE:
            words = f"{run} was done before." if before else f"{run} is done."
            write_result(self.stdout, represent(run), [words], as_json=as_json)
        elif run.outcome == JobState.FAILED:
            raise CommandError(f"{run} failed{before}: {run.problem}", returncode=PROBLEM)
        elif before:
            raise CommandError(f"Another process works on {run}.", returncode=BUSY)
        else:
            raise CommandError(f"{run} has to wait: {run.problem}", returncode=BUSY)


def _run_of(run_id: UUID, name: str) -> JobRun:
    run = JobRun.objects.filter(pk=run_id, name=name).first()
    if run is None:
        raise CommandError(f"There is no run {run_id} of {name}.", returncode=WRONG_USE)
    return run


def _words_of(error: BankError) -> str:
    return error.errors[0].detail if error.errors else error.detail
