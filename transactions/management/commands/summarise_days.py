"""`manage.py summarise_days`: the summaries of closed days, for a bank without workers."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.errors import Busy
from core.failures import told
from core.progress import Progress
from core.results import BUSY, PROBLEM, add_json, write_result
from transactions.statistics.spans import Calendar
from transactions.statistics.state import covered_until
from transactions.statistics.summaries import days_to_summarise, make_summaries


class Command(BaseCommand):
    help = (
        "Makes the summary of each closed day that has none, from the journal. Statistics are the"
        " same without summaries, but slow. Workers make them too, so this is for a bank without"
        " workers, and for one that was just upgraded or restored. What a stopped run has made"
        " stays, and the next run goes on from there. Exit codes: 0 done, even if there was nothing"
        " to do; 1 failed, with the reason; 3 a database transaction under way does not end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_json(parser)

    def handle(self, **options: Any) -> None:
        try:
            total = days_to_summarise() if sys.stderr.isatty() else 0
            with Progress("Summarising days", total) as progress:
                made = make_summaries(progress=progress.advance)
            covered = covered_until(Calendar())
        except Busy as error:
            raise CommandError(str(error), returncode=BUSY) from error
        except DatabaseError as error:
            raise CommandError(told(error), returncode=PROBLEM) from error
        result = {"days": made, "before": covered and covered.isoformat()}
        reach = f" All days before {covered} have one." if covered else ""
        words = f"Made the summaries of {made:,} days.{reach}"
        write_result(self.stdout, result, [words], as_json=options["json"])
