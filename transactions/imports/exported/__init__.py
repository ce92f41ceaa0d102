"""What this bank, or another one of its kind, has exported: loaded again as it was."""

from pathlib import Path

from transactions.files.manifest import MANIFEST_NAME
from transactions.imports.exported.load import load

__all__ = ["is_export", "load"]


def is_export(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).exists()
