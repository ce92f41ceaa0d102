"""The manifest entry for the live archive, which an export never overwrites."""

import hashlib
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from core.files import FileProblem, os_errors_as_file_problem
from transactions.archive.file import chained, header_segment
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.files.manifest import FileEntry, sums_of_table
from transactions.models import ArchiveSegment


def live_archive_entry(connection: BaseDatabaseWrapper, folder: Path) -> FileEntry:
    """The part of the archive recorded at the moment of the export. The file may grow meanwhile.

    Raises FileProblem if the file is missing or differs from the record, because the manifest must
    not describe such a file as valid. Memory grows with the largest segment only.
    """
    path = folder / ARCHIVED_TRANSACTIONS.file_name
    size, digest = _proven(connection, path)
    rows, sums = sums_of_table(connection, ARCHIVED_TRANSACTIONS)
    return FileEntry(path.name, rows, size, digest, sums)


def _proven(connection: BaseDatabaseWrapper, path: Path) -> tuple[int, str]:
    """The recorded size of the file and the SHA-256 of that part; 0 bytes before the first run."""
    digest = hashlib.sha256()
    last = header_segment()
    segments = ArchiveSegment.objects.using(connection.alias).order_by("number")
    if not segments.exists():
        return 0, digest.hexdigest()
    with os_errors_as_file_problem(path, "read"), path.open("rb") as file:
        header = file.read(last.file_end)
        digest.update(header)
        is_whole = header == ARCHIVED_TRANSACTIONS.header
        for segment in segments.iterator():
            data = file.read(segment.file_end - segment.file_start)
            is_whole = is_whole and chained(last.digest, data).hexdigest() == segment.digest
            if not is_whole:
                raise FileProblem(
                    f"{path} differs from the record of its runs: `verify_archive` says where."
                )
            digest.update(data)
            last = segment
    return last.file_end, digest.hexdigest()
