"""Loads exports of this bank, or of another one of its kind, unchanged."""

from pathlib import Path

from transactions.files.manifest import MANIFEST_NAME
from transactions.imports.exported.load import load

__all__ = ["is_export", "load"]


def is_export(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).exists()
