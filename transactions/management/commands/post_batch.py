"""`manage.py post_batch`: posts the movements of a file, of any length, once."""

import json
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.actors import add_actor, origin_of_actor
from core.commands import Origin
from core.errors import REFUSALS, BankError
from core.failures import told
from core.files import FileProblem, exclusive, sync_folder
from core.progress import Progress
from core.results import add_json
from transactions.api.permissions import CanPostTransactions
from transactions.batches.about_holds import MAX_HOLD_ITEMS
from transactions.batches.files import MovementFile, check_file
from transactions.batches.lines import MovementFileError, has_known_ending, on_disk
from transactions.batches.post import MAX_ITEMS, post_batch
from transactions.batches.posting import CALLER, post_file
from transactions.batches.results import ResultFile
from transactions.reads.items import status_of
from transactions.states import TransactionStatus

# Exit codes other than 0, which means that all items are completed or wait.
SOME_FAILED = 1
NOT_DONE = 2

_PIECE = 5_000
_TOO_MANY = f"An atomic file with items about holds has at most {MAX_HOLD_ITEMS} transactions."


class Command(BaseCommand):
    help = (
        "Posts the movements of a CSV or JSON Lines file in batches, with the columns of"
        " transactions/batch/. It checks the whole file before it posts anything. FILE.results"
        " has a line for each movement. A second run continues where the first ended, and posts"
        " nothing twice. Exit codes: 0 all completed or waiting; 1 some failed, or an atomic file"
        " was refused; 2 the file is bad or was not finished."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv|FILE.jsonl")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check the file and show the expected outcome: each 5,000 items by themselves,"
            " on the accounts as they are now",
        )
        parser.add_argument(
            "--atomic", action="store_true", help=f"all or nothing, up to {MAX_ITEMS} lines"
        )
        add_actor(parser, "to post")
        add_json(parser)

    def handle(
        self, *, file: Path, dry_run: bool, atomic: bool, actor: str | None, **_: Any
    ) -> None:
        if not has_known_ending(file.name):
            raise CommandError("The file's name must end with .csv or .jsonl.", returncode=NOT_DONE)
        origin = origin_of_actor(actor, right=CanPostTransactions.right, caller=CALLER)
        try:
            movements = check_file(on_disk(file), _PIECE, origin)
            if atomic and movements.length > MAX_ITEMS:
                raise MovementFileError([f"An atomic file has at most {MAX_ITEMS} transactions."])
            if atomic and movements.has_holds and movements.length > MAX_HOLD_ITEMS:
                raise MovementFileError([_TOO_MANY])
            if dry_run:
                counts = _try_out(movements, origin, atomic=atomic)
                summary: dict[str, Any] = {"dry_run": True}
            else:
                counts = _post(movements, origin, atomic=atomic)
                summary = {"results": str(_results_of(file))}
        except MovementFileError as problem:
            raise CommandError(f"{file} has errors.\n{problem}", returncode=NOT_DONE) from problem
        except FileProblem as problem:
            raise CommandError(str(problem), returncode=NOT_DONE) from problem
        except BankError as error:
            raise _refused(error) from error
        self._report(movements, counts, summary)

    def _report(
        self, movements: MovementFile, counts: Counter[str], summary: dict[str, Any]
    ) -> None:
        failed = counts[TransactionStatus.FAILED]
        report = {
            "file": str(movements.source.path),
            "transactions": movements.length,
            "completed": counts[TransactionStatus.COMPLETED],
            "failed": failed,
            "pending": movements.length - counts[TransactionStatus.COMPLETED] - failed,
            "replayed": counts["replayed"],
            **summary,
        }
        self.stdout.write(json.dumps(report))
        if failed:
            raise CommandError(f"{failed} of them failed.", returncode=SOME_FAILED)


def _post(movements: MovementFile, origin: Origin, *, atomic: bool) -> Counter[str]:
    file = movements.source.path
    path = _results_of(file)
    with exclusive(path, f"Another process posts {file}."):
        sync_folder(path.parent)
        with (
            ResultFile(path, movements) as results,
            Progress(file.name, movements.length) as progress,
        ):
            progress.advance(results.done)
            for count in post_file(movements, results, origin, size=_PIECE, atomic=atomic):
                progress.advance(count)
            return results.counts


def _try_out(movements: MovementFile, origin: Origin, *, atomic: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    size = MAX_ITEMS if atomic else _PIECE
    with Progress(movements.source.path.name, movements.length) as progress:
        for lines, request in movements.requests(size, skip=0, atomic=atomic):
            for result in post_batch(request, origin, dry_run=True).results:
                counts[status_of(result)] += 1
                counts["replayed"] += result.replayed
            progress.advance(len(lines))
    return counts


def _results_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.results")


def _refused(error: BankError) -> CommandError:
    where = "" if error.index is None else f" at transaction {error.index + 1} of its piece"
    what = f"Refused{where}: {told(error)}"
    if error.transaction_id is not None:
        what += f", kept as {error.transaction_id}"
    is_refusal = error.code in ("approval_required", *REFUSALS)
    return CommandError(what, returncode=SOME_FAILED if is_refusal else NOT_DONE)
