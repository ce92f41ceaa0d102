"""The export: all files as of one moment, written under temporary names and renamed together.

Each file is written and made durable under another name, while the files of the last export stay.
Then they are renamed over those one by one, the manifest last. A reader in that instant sees whole
files, some old and some new. The SHA-256 in the manifest tells them apart: after a mismatch, the
reader should read again. A crash leaves every file old or new, never half.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from core import clock, replica
from core.failpoints import failpoint
from core.files import (
    PendingFile,
    exclusive,
    remove_leftovers,
    require_folder,
    sync_folder,
)
from core.progress import Progress
from core.snapshot import snapshot
from transactions.exports.archived import live_archive_entry
from transactions.files.file_format import FileFormat
from transactions.files.formats import ARCHIVED_TRANSACTIONS, FILES
from transactions.files.manifest import MANIFEST_NAME, FileEntry, Manifest, sums_of_table
from transactions.files.stream import blocks_of_lines

LOCK_NAME = ".export.lock"
# The byte order mark: Excel reads UTF-8 only with it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Target:
    """A file to write: its content, and whether it is the copy for spreadsheets."""

    file_format: FileFormat
    pending: PendingFile
    for_spreadsheet: bool = False


def export(
    folder: Path,
    formats: Sequence[FileFormat] = FILES,
    *,
    with_spreadsheets: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> Manifest:
    """Writes these files and `manifest.json` into a folder: the bank at one moment.

    No writer waits, and memory does not grow with the rows. `archived_transactions.csv` never
    overwrites the live archive: in the bank's own folder the manifest describes the archive
    instead. With spreadsheets, each file has a copy `<name>.spreadsheet.csv` for people.

    Raises FileProblem, and FileBusy if another export writes into the folder; the files of the last
    export are then unchanged, unless the disk failed between two renames. It reads on the replica,
    if there is one.
    """
    require_folder(folder)
    with exclusive(folder / LOCK_NAME, f"Another export into {folder} is going on."):
        wanted = partial(_export, folder, formats, with_spreadsheets=with_spreadsheets, using=using)
        return replica.read_in_batch(wanted)


def _export(
    folder: Path, formats: Sequence[FileFormat], *, with_spreadsheets: bool, using: str
) -> Manifest:
    with ExitStack() as pending_files:
        _remove_leftovers(folder)

        def pending(name: str) -> PendingFile:
            return pending_files.enter_context(PendingFile(folder / name))

        # Checks all paths before anything is read.
        manifest_file = pending(MANIFEST_NAME)
        targets = [
            _Target(each, pending(each.file_name))
            for each in formats
            if not is_live_archive(folder, each)
        ]
        if with_spreadsheets:
            targets += [
                _Target(each, pending(spreadsheet_name(each)), for_spreadsheet=True)
                for each in formats
            ]
        exported_at = clock.now()
        with snapshot(using) as connection:
            written = [(target, _write(connection, target)) for target in targets]
            entries = [entry for target, entry in written if not target.for_spreadsheet]
            if any(is_live_archive(folder, each) for each in formats):
                entries.append(live_archive_entry(connection, folder))
        manifest = Manifest(
            exported_at,
            tuple(entries),
            tuple(entry.name for target, entry in written if target.for_spreadsheet),
        )
        manifest_file.write(manifest.encode())
        _publish(folder, [target.pending for target in targets], manifest_file)
    return manifest


def spreadsheet_name(file_format: FileFormat) -> str:
    return f"{file_format.name}.spreadsheet.csv"


def is_live_archive(folder: Path, file_format: FileFormat) -> bool:
    """Whether the file of this format in this folder is the live archive."""
    data = Path(settings.DATA_DIR)
    return file_format is ARCHIVED_TRANSACTIONS and data.is_dir() and folder.samefile(data)


def _remove_leftovers(folder: Path) -> None:
    """Removes files that a killed export left unfinished, except those of the live archive."""
    remove_leftovers(folder, MANIFEST_NAME)
    for each in FILES:
        if not is_live_archive(folder, each):
            remove_leftovers(folder, each.file_name)
        remove_leftovers(folder, spreadsheet_name(each))


def _write(connection: BaseDatabaseWrapper, target: _Target) -> FileEntry:
    """Writes one file and makes it durable, under its temporary name."""
    file_format, file = target.file_format, target.pending
    rows, sums = sums_of_table(connection, file_format)
    digest, size = hashlib.sha256(), 0
    with Progress(file.path.name, rows) as progress:
        for block_rows, block in _content(connection, target):
            file.write(block)
            digest.update(block)
            size += len(block)
            progress.advance(block_rows)
            failpoint("export.block_written")
    file.seal()
    failpoint("export.file_sealed")
    return FileEntry(file.path.name, rows, size, digest.hexdigest(), sums)


def _content(connection: BaseDatabaseWrapper, target: _Target) -> Iterator[tuple[int, bytes]]:
    mark = _BYTE_ORDER_MARK if target.for_spreadsheet else b""
    yield 0, mark + target.file_format.header
    yield from blocks_of_lines(
        connection, target.file_format, for_spreadsheet=target.for_spreadsheet
    )


def _publish(folder: Path, files: list[PendingFile], manifest_file: PendingFile) -> None:
    """Renames all files into place, the manifest last. All of them are durable before it is."""
    manifest_file.seal()
    failpoint("export.all_sealed")
    for file in files:
        file.publish()
        failpoint("export.file_published")
    sync_folder(folder)
    failpoint("export.files_durable")
    manifest_file.publish()
    failpoint("export.manifest_published")
    sync_folder(folder)
