"""Imports the earlier system's files: reads, joins and books their rows, and reports the rest."""

import re
from pathlib import Path

from legacy_import.files import ACCOUNT_COLUMNS, ACCOUNTS_FILE
from legacy_import.load import load
from transactions.imports.problems import ImportFileError
from transactions.imports.records import read_header

__all__ = ["is_legacy", "load"]


def is_legacy(folder: Path) -> bool:
    """Whether accounts.csv roughly has the earlier system's header. The reader is strict."""
    try:
        header = read_header(folder / ACCOUNTS_FILE)
    except FileNotFoundError:
        return False
    except ImportFileError:
        return True
    # The reader reports a wrong separator.
    names = set(re.split(r"[,;\t|]", ",".join(header)))
    return len(names & set(ACCOUNT_COLUMNS)) > len(ACCOUNT_COLUMNS) // 2
