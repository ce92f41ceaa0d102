"""`seal_ledger`: seals the entries that came since the last seal."""

import re
import sys
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
from seals.sealing import SealOutcome, change_key, rewrite_heads, seal
from seals.selectors import unsealed_entries

_PUBLIC_KEY = re.compile("[0-9a-f]{64}")


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
            metavar="HEX",
            help="announce in a seal the public key, as 64 digits, of a key that is kept elsewhere",
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
        announced = options["next_key"] or ""
        if announced and not _PUBLIC_KEY.fullmatch(announced):
            raise CommandError("--next-key is 64 hexadecimal digits.", returncode=WRONG_USE)
        if options["new_key"] and settings.SEAL_KEY:
            raise CommandError(
                "BANK_SEAL_KEY holds the key: make the new one where that is kept, and announce its"
                " public key with --next-key.",
                returncode=WRONG_USE,
            )
        total = unsealed_entries() if sys.stderr.isatty() else 0
        with Progress("Sealing", total) as progress:
            if options["new_key"]:
                outcome = change_key(progress=progress.advance)
            else:
                outcome = seal(next_public_key=announced, progress=progress.advance)
        if outcome is None:
            public_key = keys.public_of(keys.signing_key())
            return f"The new key is {public_key}.", {"public_key": public_key, "seal": None}
        return _words(outcome), _as_json(outcome)


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
