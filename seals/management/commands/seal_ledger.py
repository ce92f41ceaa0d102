"""`seal_ledger`: seals the entries that came since the last seal."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.errors import Busy
from core.failures import told
from core.files import FileBusy, FileProblem
from core.progress import Progress
from core.results import BUSY, PROBLEM, WRONG_USE, add_json, write_result
from seals import keys
from seals.heads import head_of, heads_path
from seals.sealing import KeyChange, SealOutcome, change_key, rewrite_heads, seal
from seals.selectors import unsealed_entries


class Command(BaseCommand):
    help = (
        "Seals all entries since the last seal, signs the head, and appends it to seals.jsonl in"
        " the data folder. Entries are sealed once each, while the bank works. Exit codes: 0 done,"
        " even if there was nothing to do; 1 failed, with the reason; 2 wrong use; 3 another run"
        " is going on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--new-key",
            action="store_true",
            help="make a key; if there is one, announce the new one in a seal, then replace it",
        )
        instead.add_argument(
            "--next-key",
            metavar="FILE",
            help="announce in a seal the key in this file (PEM), which is then kept elsewhere",
        )
        instead.add_argument(
            "--rewrite-heads",
            action="store_true",
            help="write seals.jsonl again from the bank, and keep the file that is there",
        )
        add_json(parser)

    def handle(self, **options: Any) -> None:
        try:
            words, result = self._do(options)
        except FileBusy as error:
            raise CommandError(str(error), returncode=BUSY) from error
        except (FileProblem, Busy) as error:
            raise CommandError(str(error), returncode=PROBLEM) from error
        except DatabaseError as error:
            raise CommandError(told(error), returncode=PROBLEM) from error
        write_result(self.stdout, result, [words], as_json=options["json"])

    def _do(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Does what is asked, and returns the words and the JSON about it."""
        if options["rewrite_heads"]:
            lines = rewrite_heads()
            return f"{heads_path()} has the heads of {lines:,} seals.", {"heads": lines}
        next_key = keys.read_key(Path(options["next_key"])) if options["next_key"] else None
        if options["new_key"] and settings.SEAL_KEY:
            raise CommandError(
                "BANK_SEAL_KEY holds the key: make the new one in a file of its own, announce it"
                " with --next-key, then put it in the place of the old one.",
                returncode=WRONG_USE,
            )
        total = unsealed_entries() if sys.stderr.isatty() else 0
        with Progress("Sealing", total) as progress:
            if options["new_key"]:
                return _key_words(change_key(progress=progress.advance))
            outcome = seal(next_key=next_key, progress=progress.advance)
        assert outcome is not None, "It is always wanted."
        return _words(outcome), _as_json(outcome)


def _key_words(change: KeyChange) -> tuple[str, dict[str, Any]]:
    made = change.announced_in
    result = {"public_key": change.public_key, "seal": head_of(made) if made else None}
    if change.announced_before and made:
        words = f"Seal {made.number} announced this key before, and it is now in its place"
        return f"{words}: {change.public_key}. No other was made.", result
    words = f"The new key is {change.public_key}."
    return (f"Seal {made.number} announces it. {words}" if made else words), result


def _words(outcome: SealOutcome) -> str:
    made, last = outcome.seal, outcome.last
    if made is None:
        return f"Nothing has moved since seal {last.number}." if last else "Nothing has moved yet."
    words = f"Seal {made.number} covers {made.entries:,} entries in {made.ranges:,} ranges."
    if made.next_public_key:
        words += f" The next seals are signed by {made.next_public_key}."
    return words


def _as_json(outcome: SealOutcome) -> dict[str, Any]:
    return {"seal": head_of(outcome.seal) if outcome.seal else None}
