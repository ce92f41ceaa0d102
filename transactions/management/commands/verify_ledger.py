"""`verify_ledger`: proves the ledger from its rows alone."""

import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core import clock
from core.failures import told
from core.files import FileProblem
from core.results import PROBLEM, add_json, write_result
from transactions.verifier import Report, verify
from transactions.verifier import records as verifications
from transactions.verifier.damage import record_damage
from transactions.verifier.further import verify_shortly


class Command(BaseCommand):
    help = (
        "Checks every invariant of the ledger in one consistent read, while the bank works. Exits"
        " with 0 if all hold, else with 1 and the rule, the row and both figures of each finding."
    )
    # Missing guards are a finding here; the command must still find the errors they let in.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_json(parser)
        parser.add_argument(
            "--since-seal",
            action="store_true",
            help="check only what came after the last seal, and a sample of what is sealed; the"
            " result is not recorded",
        )
        parser.add_argument(
            "--no-record",
            action="store_false",
            dest="record",
            help="leave the result out of the bank, whose staff see the last one",
        )

    def handle(self, **options: Any) -> None:
        started_at = clock.now()
        try:
            report = verify_shortly() if options["since_seal"] else verify()
        except (FileProblem, DatabaseError) as error:
            raise CommandError(f"The ledger could not be checked: {told(error)}") from error
        write_result(self.stdout, report.as_json(), report.lines(), as_json=options["json"])
        if options["record"] and not options["since_seal"]:
            self._record(report, started_at)
        if not report.ok:
            sys.exit(PROBLEM)

    def _record(self, report: Report, started_at: datetime) -> None:
        """Records the report after printing it, so that a read-only bank still gets it.

        Then it holds the debits of damaged accounts, or ends the holds if the bank is sound.
        """
        try:
            verifications.record(report, started_at=started_at, finished_at=clock.now())
        except DatabaseError as error:
            self.stderr.write(f"The result could not be recorded: {told(error)}")
            return
        for problem in record_damage(report):
            self.stderr.write(problem)
