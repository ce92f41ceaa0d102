"""`manage.py verify_archive`: proves the archive file."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.failures import told
from core.files import FileProblem
from core.results import PROBLEM, add_json, write_result
from transactions.verifier.archive_file import verify_archive


class Command(BaseCommand):
    help = (
        "Reads archived_transactions.csv in the data folder again: its rows, sums and digests"
        " against the recorded runs, and each line against its transaction. Exits with"
        " 0 if all is right, else with 1 and the first bad line."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_json(parser)

    def handle(self, **options: Any) -> None:
        try:
            report = verify_archive()
        except (FileProblem, DatabaseError) as error:
            raise CommandError(f"The archive could not be checked: {told(error)}") from error
        write_result(self.stdout, report.as_json(), report.lines(), as_json=options["json"])
        if not report.ok:
            sys.exit(PROBLEM)
