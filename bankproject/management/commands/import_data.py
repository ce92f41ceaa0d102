"""`manage.py import_data`: loads files into an empty bank."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

import legacy_import
from core.actors import add_actor, find_actor, is_superuser
from core.currencies import CURRENCIES
from core.failures import told
from core.files import FileProblem
from core.results import BUSY, PROBLEM, add_json, write_result
from seals.sealing import rewrite_heads
from transactions.imports import exported
from transactions.imports.options import LATER_LEAVE, LATER_TAKE, Options
from transactions.imports.problems import (
    ImportBusy,
    ImportOutcome,
    ImportRefused,
    LaterTransactions,
)

LATER = 4
_NEXT = (
    "The import created the users that were missing here, inactive and without a password: activate"
    " them in the admin and set one."
)


def time_zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ArgumentTypeError(f"{name!r} is no time zone, like Europe/Berlin") from None


def import_folder(folder: Path, options: Options) -> ImportOutcome:
    """Loads the folder, an export or the earlier system's files. Raises ImportRefused, OSError."""
    if not folder.is_dir():
        raise ImportRefused(f"There is no folder {folder}.")
    if exported.is_export(folder):
        return exported.load(folder, options)
    if legacy_import.is_legacy(folder):
        return legacy_import.load(folder, options)
    raise ImportRefused(
        f"{folder} has neither a manifest.json, which an export has, nor an accounts.csv with the"
        " header of the earlier system."
    )


class Command(BaseCommand):
    help = (
        "Loads a folder of CSV files into this empty bank: an export of export_data, or the files"
        " of the earlier Flask system: verified, and all or nothing. Exit codes: 0 all loaded; 1"
        " nothing loaded, with the reasons; 2 wrong use; 3 another process writes to the bank; 4"
        " the archive has transactions newer than the export: without --later nothing is loaded,"
        " with it not all of them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder with the files")
        parser.add_argument(
            "--dry-run", action="store_true", help="check all files, and load nothing"
        )
        add_json(parser)
        add_actor(parser, "of a superuser")
        parser.add_argument(
            "--later",
            choices=[LATER_TAKE, LATER_LEAVE],
            default="",
            help="archived transactions newer than the export: load those that follow it without a"
            " gap, or leave them out",
        )
        legacy = parser.add_argument_group("files of the earlier system")
        legacy.add_argument(
            "--currency",
            choices=CURRENCIES,
            metavar="CODE",
            default=settings.BANK_DEFAULT_CURRENCY,
            help="currency of all amounts, an ISO 4217 code (default: %(default)s)",
        )
        legacy.add_argument(
            "--time-zone",
            type=time_zone_named,
            metavar="NAME",
            default="UTC",
            help="zone of times without an offset, such as Europe/Berlin (default: %(default)s)",
        )
        legacy.add_argument(
            "--adjust",
            action="store_true",
            help="book unexplained differences openly, as deposits and withdrawals",
        )

    def handle(
        self,
        *,
        folder: Path,
        dry_run: bool,
        currency: str,
        time_zone: ZoneInfo,
        adjust: bool,
        later: str,
        actor: str | None,
        json: bool,
        **_: Any,
    ) -> None:
        asker = find_actor(actor, may=is_superuser, right="superuser")
        options = Options(
            currency=currency,
            zone=time_zone,
            adjust=adjust,
            dry_run=dry_run,
            later=later,
            actor_id=asker.pk if asker else None,
        )
        try:
            outcome = import_folder(folder, options)
        except ImportBusy as busy:
            raise _nothing_loaded(str(busy), exit_code=BUSY) from busy
        except ImportRefused as refused:
            problems = [f"  {line}" for line in refused.problems.lines()]
            code = LATER if isinstance(refused, LaterTransactions) else PROBLEM
            raise _nothing_loaded(str(refused), *problems, exit_code=code) from refused
        except (OSError, FileProblem) as error:
            raise _nothing_loaded(told(error)) from error
        except DatabaseError as error:
            raise CommandError(f"{told(error)} Nothing was loaded.", returncode=PROBLEM) from error
        if not dry_run and outcome.counts.get("seals"):
            self._write_heads()
        self._tell(outcome, dry_run=dry_run, as_json=json or not sys.stdout.isatty())
        if outcome.left.count and later == LATER_TAKE:
            left = f"{outcome.left.count:,} transactions of the archive could not be taken."
            raise CommandError(f"{left} All else is loaded.", returncode=LATER)

    def _write_heads(self) -> None:
        """Writes the file of heads of the loaded seals."""
        try:
            rewrite_heads()
        except FileProblem as error:
            self.stderr.write(
                f"Note: {told(error)} The bank is loaded. Run `seal_ledger --rewrite-heads`."
            )

    def _tell(self, outcome: ImportOutcome, *, dry_run: bool, as_json: bool) -> None:
        for line in outcome.remarks.lines():
            self.stderr.write(f"Note: {line}")
        for line in outcome.left.lines():
            self.stderr.write(f"Left out: {line}")
        counted = ", ".join(f"{count:,} {name}" for name, count in outcome.counts.items())
        verb = "Would load" if dry_run else "Loaded"
        words = [f"{verb} from the {outcome.source}, proven: {counted}."]
        if not dry_run and outcome.counts.get("users"):
            words.append(_NEXT)
        summary = {"source": outcome.source, "dry_run": dry_run, **outcome.counts}
        write_result(self.stdout, summary, words, as_json=as_json)


def _nothing_loaded(*lines: str, exit_code: int = PROBLEM) -> CommandError:
    return CommandError("\n".join([*lines, "Nothing was loaded."]), returncode=exit_code)
