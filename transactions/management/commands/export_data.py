"""`manage.py export_data`: the bank's state as CSV files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.failures import told
from core.files import FileBusy, FileProblem
from core.results import BUSY, add_json, write_result
from transactions.exports.export import export, is_live_archive
from transactions.files.formats import FILES
from transactions.files.manifest import Manifest

_BY_NAME = {file_format.name: file_format for file_format in FILES}


class Command(BaseCommand):
    help = (
        "Writes the bank's state at one moment as CSV files with a manifest, while the bank"
        " works. A file is replaced as a whole or not at all. Exit codes: 0 done; 1 failed; 2"
        " wrong arguments; 3 another export writes there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dir",
            type=Path,
            default=settings.DATA_DIR,
            help="an existing folder for the files (default: the bank's own, BANK_DATA_DIR)",
        )
        parser.add_argument(
            "--tables",
            nargs="+",
            choices=list(_BY_NAME),
            metavar="TABLE",
            help=f"only these files of {', '.join(_BY_NAME)}; the manifest then lists no others",
        )
        parser.add_argument(
            "--spreadsheet",
            action="store_true",
            help="also write <table>.spreadsheet.csv, for people: no cell runs as a formula",
        )
        add_json(parser)

    def handle(
        self,
        *,
        dir: Path,  # noqa: A002 - the name of the option
        tables: list[str] | None,
        spreadsheet: bool,
        **options: Any,
    ) -> None:
        chosen = [each for each in FILES if tables is None or each.name in tables]
        try:
            if tables is not None and any(is_live_archive(dir, each) for each in chosen):
                raise FileProblem("The live archive is never written over: give another --dir.")
            manifest = export(dir, chosen, with_spreadsheets=spreadsheet)
        except FileBusy as problem:
            raise CommandError(str(problem), returncode=BUSY) from problem
        except (FileProblem, DatabaseError) as problem:
            reason = told(problem).removesuffix(".")
            raise CommandError(f"{reason}. Nothing was exported.") from problem
        write_result(
            self.stdout,
            {"folder": str(dir), **manifest.as_json()},
            _lines(dir, manifest),
            as_json=options["json"] or not self.stdout.isatty(),
        )


def _lines(folder: Path, manifest: Manifest) -> list[str]:
    files = [f"  {entry.name:<28} {entry.rows:>12,} rows" for entry in manifest.files]
    copies = [f"  {name}" for name in manifest.spreadsheets]
    return [f"Exported to {folder}:", *files, *copies]
