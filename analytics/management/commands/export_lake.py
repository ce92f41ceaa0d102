"""`manage.py export_lake`: closed days of the journal as Parquet files."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from analytics.lake.manifest import DayList, as_text
from core.arguments import day
from core.counts import count_of
from core.errors import Busy
from core.failures import told
from core.files import FileBusy, FileProblem, os_errors_as_file_problem
from core.progress import Progress
from core.results import BUSY, PROBLEM, add_json, write_result


class Command(BaseCommand):
    help = (
        "Writes what was posted on each closed day as a Parquet file, with a manifest. Days that"
        " the lake has are left alone, so a second run adds nothing. A day appears whole or not at"
        " all. Exit codes: 0 done; 1 failed, or --verify has findings; 2 wrong arguments; 3 another"
        " export goes on, or postings under way do not end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dir",
            type=Path,
            help="an existing folder (default: BANK_LAKE_DIR, or else `lake` in BANK_DATA_DIR)",
        )
        parser.add_argument(
            "--before",
            type=day,
            metavar="DAY",
            help="only days before this one, as in 2026-01-31",
        )
        parser.add_argument(
            "--verify",
            action="store_true",
            help="write nothing: compare the files with the manifest and with the ledger",
        )
        add_json(parser)

    def handle(
        self,
        *,
        dir: Path | None,  # noqa: A002 - the name of the option
        before: date | None,
        verify: bool,
        **options: Any,
    ) -> None:
        try:
            lake = dir or _own_folder(make=not verify)
            result, lines = _verified(lake) if verify else _exported(lake, before)
        except (Busy, FileBusy) as problem:
            raise CommandError(str(problem), returncode=BUSY) from problem
        except (FileProblem, DatabaseError) as problem:
            raise CommandError(told(problem), returncode=PROBLEM) from problem
        write_result(self.stdout, result, lines, as_json=options["json"])
        if result.get("findings"):
            raise SystemExit(PROBLEM)


def _own_folder(*, make: bool) -> Path:
    """The bank's own lake. Only its folder in the data folder is made where it is missing."""
    lake: Path | None = settings.LAKE_DIR
    if lake is None:
        lake = Path(settings.DATA_DIR) / "lake"
        if make:
            with os_errors_as_file_problem(lake, "created"):
                lake.mkdir(mode=0o700, exist_ok=True)
    return lake


def _exported(lake: Path, before: date | None) -> tuple[dict[str, Any], list[str]]:
    from analytics.lake.writing import export

    with Progress("Rows") as progress:
        added = export(lake, before, told=progress.advance)
    manifest = added.manifest
    result = {
        "folder": str(lake),
        "days": added.days,
        "rows": added.rows,
        "before": manifest.covered_until and manifest.covered_until.isoformat(),
        "total_days": len(manifest.days),
        "total_rows": manifest.rows,
    }
    words = f"Added {count_of(added.days, 'day')} with {count_of(added.rows, 'row')} to {lake}."
    return result, [words, *_reach(manifest)]


def _verified(lake: Path) -> tuple[dict[str, Any], list[str]]:
    from analytics.lake.verifying import verify

    manifest, findings = verify(lake)
    result = {
        "folder": str(lake),
        "total_days": len(manifest.days),
        "total_rows": manifest.rows,
        "sums": as_text(manifest.sums()),
        "findings": findings,
    }
    words = "There are findings:" if findings else "Files, manifest and ledger agree."
    return result, [words, *findings, *_reach(manifest)]


def _reach(manifest: DayList) -> Iterator[str]:
    if manifest.covered_until is None:
        yield "The lake is empty."
    else:
        yield (
            f"The lake has all {count_of(manifest.rows, 'row')} before {manifest.covered_until}"
            f" in {count_of(len(manifest.days), 'day')}."
        )
