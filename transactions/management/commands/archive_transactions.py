"""`manage.py archive_transactions`: archives old, settled transactions to the archive file."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.arguments import account_argument
from core import clock
from core.actors import add_actor, origin_of_actor
from core.commands import Origin
from core.days import is_day
from core.failures import told
from core.files import FileBusy, FileProblem
from core.progress import Progress
from core.results import BUSY, PROBLEM, WRONG_USE, add_json, write_result
from transactions.archive.checkpoints import added
from transactions.archive.file import archive_path
from transactions.archive.runs import BATCH_SIZE, ArchiveOutcome, archive
from transactions.archive.selection import Selection

RUN_RIGHT = "transactions.run_archive"
DEFAULT_DAYS = 90
MAX_BATCH_SIZE = 50_000
_DAYS = re.compile(r"([0-9]{1,5})d")


def days(text: str) -> timedelta:
    if not (match := _DAYS.fullmatch(text)):
        raise ArgumentTypeError(f"{text!r} is no number of days, like 90d")
    return timedelta(days=int(match[1]))


def moment(text: str) -> datetime:
    """A date, whose day begins in UTC, or a date and time with an offset (ISO 8601)."""
    try:
        if is_day(text):
            return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
        if not is_day(text[:10]):
            raise ValueError
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ArgumentTypeError(f"{text!r} needs an offset, like 2026-01-31T18:00:00+01:00")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no date, like 2026-01-31") from None


def whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


class Command(BaseCommand):
    help = (
        "Appends completed transactions to archived_transactions.csv in the data folder and marks"
        " them archived, each exactly once. They stay in the database. Without --older-than,"
        " --before or --keep-last it takes those older than BANK_ARCHIVE_AFTER_DAYS, or 90 days."
        " Exit codes: 0 done, even if there was nothing to do; 1 failed, with the reason; 2 wrong"
        " use; 3 another run is going on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        bounds = parser.add_mutually_exclusive_group()
        bounds.add_argument(
            "--older-than",
            type=days,
            metavar="DAYS",
            help="only those completed at least this long ago, like 90d",
        )
        bounds.add_argument(
            "--before",
            type=moment,
            metavar="DATE",
            help="only those completed before this moment, in UTC",
        )
        bounds.add_argument(
            "--keep-last", type=whole, metavar="N", help="all but the newest N of each account"
        )
        parser.add_argument("--account", metavar="ID", help="only those of this account or number")
        parser.add_argument(
            "--include-failed", action="store_true", help="also failed transactions"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only show the rows and sums it would archive"
        )
        parser.add_argument(
            "--batch-size",
            type=whole,
            default=BATCH_SIZE,
            metavar="N",
            help=f"transactions marked at once (default: {BATCH_SIZE})",
        )
        add_actor(parser, "to archive")
        add_json(parser)

    def handle(self, **options: Any) -> None:
        if not 1 <= options["batch_size"] <= MAX_BATCH_SIZE:
            raise CommandError(f"--batch-size is 1 to {MAX_BATCH_SIZE}.", returncode=WRONG_USE)
        selection = Selection(
            before=_before(options),
            keep_last=options["keep_last"],
            account_id=account_argument(options["account"]),
            include_failed=options["include_failed"],
        )
        origin = origin_of_actor(
            options["actor"], right=RUN_RIGHT, caller="job:archive_transactions"
        )
        if options["dry_run"]:
            self._show(_as_planned(selection), as_json=options["json"])
            return
        try:
            outcome = self._archive(selection, origin, options["batch_size"])
        except FileBusy as error:
            raise CommandError(str(error), returncode=BUSY) from error
        except FileProblem as error:
            raise CommandError(str(error), returncode=PROBLEM) from error
        except DatabaseError as error:
            raise CommandError(told(error), returncode=PROBLEM) from error
        self._tell_of_interrupted(outcome)
        self._show(_as_json(outcome), as_json=options["json"])

    def _archive(self, selection: Selection, origin: Origin, batch_size: int) -> ArchiveOutcome:
        on_terminal = sys.stderr.isatty()
        total = sum(rows for rows, _ in selection.totals().values()) if on_terminal else 0
        with Progress("Archiving", total) as progress:
            return archive(
                selection, origin=origin, batch_size=batch_size, progress=progress.advance
            )

    def _tell_of_interrupted(self, outcome: ArchiveOutcome) -> None:
        for run in outcome.interrupted:
            self.stderr.write(
                f"Run {run.pk}, begun {run.started_at:%Y-%m-%d %H:%M} UTC, was interrupted;"
                f" {run.rows} transactions of it are archived."
            )
        if outcome.cut_bytes:
            kept = f" It is kept in {outcome.kept}." if outcome.kept else ""
            self.stderr.write(
                f"Cut {outcome.cut_bytes} bytes off the file that no run had recorded.{kept}"
            )

    def _show(self, summary: dict[str, Any], *, as_json: bool) -> None:
        sums = ", ".join(f"{total} {currency}" for currency, total in summary["sums"].items())
        verb = "Would archive" if summary["dry_run"] else "Archived"
        words = f"{verb} {summary['rows']:,} transactions{f', {sums}' if sums else ''}."
        write_result(self.stdout, summary, [words], as_json=as_json or not sys.stdout.isatty())


def _before(options: dict[str, Any]) -> datetime | None:
    if options["before"] is not None:
        return options["before"]
    if options["older_than"] is not None:
        return clock.now() - options["older_than"]
    if options["keep_last"] is not None:
        return None
    return clock.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS or DEFAULT_DAYS)


def _as_planned(selection: Selection) -> dict[str, Any]:
    totals = selection.totals()
    return {
        "dry_run": True,
        "rows": sum(rows for rows, _ in totals.values()),
        "sums": added({}, {currency: units for currency, (_, units) in totals.items()}),
        "bounds": selection.bounds(),
    }


def _as_json(outcome: ArchiveOutcome) -> dict[str, Any]:
    run = outcome.run
    return {
        "dry_run": False,
        "run_id": str(run.pk),
        "rows": run.rows,
        "sums": run.sums,
        "bounds": run.bounds,
        "file": str(archive_path()),
        "file_start": run.file_start,
        "file_end": run.file_end,
        "digest": run.digest,
        "interrupted": [str(one.pk) for one in outcome.interrupted],
        "cut_bytes": outcome.cut_bytes,
    }
