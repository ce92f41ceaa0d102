"""Files into an empty bank: what this bank has exported, or the files of the earlier system.

All or nothing, in one database transaction, and proven before it commits. What is wrong with the
files is named by file, line and column.
"""

from pathlib import Path

from transactions.imports import exported, legacy
from transactions.imports.options import Options
from transactions.imports.problems import ImportOutcome, ImportRefused

__all__ = ["ImportOutcome", "ImportRefused", "Options", "import_folder"]


def import_folder(folder: Path, options: Options) -> ImportOutcome:
    """Loads the folder, by whichever kind of files is in it. Raises ImportRefused, OSError."""
    if not folder.is_dir():
        raise ImportRefused(f"There is no folder {folder}.")
    if exported.is_export(folder):
        return exported.load(folder, options)
    if legacy.is_legacy(folder):
        return legacy.load(folder, options)
    raise ImportRefused(
        f"{folder} has neither a manifest.json, which an export has, nor an accounts.csv with the"
        " header of the earlier system."
    )
