"""`manage.py issue_statements`: the statements of ended months."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.arguments import account_argument
from core.actors import add_actor, origin_of_actor
from core.commands import Origin
from core.counts import count_of
from core.errors import BankError, Busy, InvalidInput
from core.failures import told
from core.progress import Progress
from core.results import BUSY, PROBLEM, WRONG_USE, add_json, write_result
from statements.issuing import (
    AccountsFailed,
    issue_for_account,
    issue_for_all,
    last_ended_month,
    missing_for_account,
    missing_for_all,
    require_ended,
)
from statements.periods import Month
from statements.permissions import ISSUE_RIGHT
from statements.standing import count_of_accounts
from transactions.statistics.spans import Calendar


class Command(BaseCommand):
    help = (
        "Issues the statement of each customer's account for a month that has ended, and for each"
        " earlier month that has none yet. A second run does nothing twice, also while the first"
        " one goes on, or after it was killed. Exit codes: 0 done, even if there was nothing to do;"
        " 1 refused or failed, with the reason, also if only some accounts failed; 2 wrong use;"
        " 3 postings under way do not end in time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--period",
            metavar="MONTH",
            help="the last month, like 2026-10, in the bank's time zone (default: the last one that"
            " has ended)",
        )
        parser.add_argument("--account", metavar="ID", help="only this account, by id or number")
        parser.add_argument(
            "--dry-run", action="store_true", help="only count what it would issue, by month"
        )
        add_actor(parser, "to issue statements")
        add_json(parser)

    def handle(self, **options: Any) -> None:
        try:
            until = Month.parse(options["period"]) if options["period"] else None
        except InvalidInput as error:
            raise CommandError(error.detail, returncode=WRONG_USE) from error
        account_id = account_argument(options["account"])
        caller = "job:issue_statements"
        origin = origin_of_actor(options["actor"], right=ISSUE_RIGHT, caller=caller)
        try:
            until = until or last_ended_month()
            run = self._count if options["dry_run"] else self._issue
            run(until, account_id, origin, as_json=options["json"])
        except Busy as error:
            raise CommandError(error.detail, returncode=BUSY) from error
        except BankError as error:
            raise CommandError(error.detail, returncode=PROBLEM) from error
        except DatabaseError as error:
            raise CommandError(told(error), returncode=PROBLEM) from error

    def _issue(
        self, until: Month, account_id: UUID | None, origin: Origin, *, as_json: bool
    ) -> None:
        failed: AccountsFailed | None = None
        try:
            issued = _issued(until, account_id, origin)
        except AccountsFailed as error:
            failed, issued = error, error.issued
        numbers = failed.numbers if failed else []
        result = {"period": str(until), "dry_run": False, "issued": issued, "failed": numbers}
        words = f"Issued {count_of(issued, 'statement')}, up to {until}."
        write_result(self.stdout, result, [words], as_json=as_json)
        if failed:
            raise failed

    def _count(
        self, until: Month, account_id: UUID | None, _origin: Origin, *, as_json: bool
    ) -> None:
        require_ended(until)
        if account_id is None:
            missing = missing_for_all(until)
        else:
            missing = iter([missing_for_account(account_id, until)])
        months = Counter(str(month) for months in missing for month in months)
        count = sum(months.values())
        result = {
            "period": str(until),
            "dry_run": True,
            "issued": count,
            "months": dict(sorted(months.items())),
        }
        words = [f"Would issue {count_of(count, 'statement')}, up to {until}."]
        words += [f"  {month}: {number:,}" for month, number in sorted(months.items())]
        write_result(self.stdout, result, words, as_json=as_json)


def _issued(until: Month, account_id: UUID | None, origin: Origin) -> int:
    if account_id is not None:
        return issue_for_account(account_id, until, origin=origin)
    opened_before = until.ends_at(Calendar())
    total = count_of_accounts(opened_before) if sys.stderr.isatty() else 0
    with Progress("Accounts", total) as progress:
        return issue_for_all(until, origin=origin, progress=progress.advance)
