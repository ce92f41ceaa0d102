"""The live archive as an export into its folder describes it: it is never written over."""

import hashlib
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max

from core.files import FileProblem, told_as_problem
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.files.manifest import FileEntry, sums_of
from transactions.models import ArchiveSegment

_CHUNK_BYTES = 1 << 20


def live_archive_entry(connection: BaseDatabaseWrapper, folder: Path) -> FileEntry:
    """What the archive has recorded by the moment of the export; it may grow meanwhile.

    Raises FileProblem if the file is missing or shorter than that.
    """
    path = folder / ARCHIVED_TRANSACTIONS.file_name
    segments = ArchiveSegment.objects.using(connection.alias)
    size: int = segments.aggregate(end=Max("file_end"))["end"] or 0
    rows, sums = sums_of(connection, ARCHIVED_TRANSACTIONS)
    return FileEntry(path.name, rows, size, _digest(path, size), sums)


def _digest(path: Path, size: int) -> str:
    """SHA-256 of the first `size` bytes."""
    digest = hashlib.sha256()
    if not size:
        return digest.hexdigest()
    with told_as_problem(path, "read"), path.open("rb") as file:
        while size and (block := file.read(min(size, _CHUNK_BYTES))):
            digest.update(block)
            size -= len(block)
    if size:
        raise FileProblem(f"{path} is shorter than its runs say: `verify_archive` tells more.")
    return digest.hexdigest()
