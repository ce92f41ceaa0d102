"""Takes over the archive of the exported bank, with its file unchanged."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from django.db import DatabaseError, connection

from core import clock
from core.csv_records import records_of
from core.failpoints import failpoint
from core.files import FileBusy, write_atomically
from core.identifiers import uuid7
from transactions.archive.file import (
    archive_path,
    header_segment,
    last_segments,
    opened,
)
from transactions.archive.lines import FORMAT, ArchiveLine, id_of, read_lines
from transactions.archive.locks import archive_lock
from transactions.archive.marks import mark_archived
from transactions.archive.segments import record_segment
from transactions.imports.exported.manifest import ExportedFile, digest_of
from transactions.imports.exported.staging import ReportRows
from transactions.imports.problems import ImportBusy, ImportFileError, ImportProblem, ImportRefused
from transactions.models import ArchiveRun

# As many as an archive run takes at once.
_LINES_IN_SEGMENT = 5000
_CHUNK_BYTES = 1 << 20
CALLER = "job:import_data"


@contextmanager
def taking_over() -> Iterator[None]:
    """Excludes archive runs and other imports while the archive is taken over.

    On failure, removes the file that `put_in_place` has copied, if it is certain that nothing
    refers to it. Raises ImportBusy and FileProblem.
    """
    target = archive_path()
    with ExitStack() as held:
        try:
            held.enter_context(archive_lock(target))
        except FileBusy as error:
            raise ImportBusy("An archive run or another import is at work.") from error
        was_begun = target.is_symlink() or _holds_lines(target)
        try:
            yield
        except BaseException:
            if not was_begun and _is_undone():
                target.unlink(missing_ok=True)
            raise


def _holds_lines(target: Path) -> bool:
    return target.exists() and target.stat().st_size > len(FORMAT.header)


def _is_undone() -> bool:
    """Whether the database transaction has certainly not committed.

    It may have committed even though it ended with an error: an interrupt just after the commit, or
    a lost connection during the commit. Then the file stays, and the next import recognises the
    file as its own.
    """
    try:
        return connection.is_usable() and not ArchiveRun.objects.exists()
    except DatabaseError:
        return False


def has_tail(source: ExportedFile) -> bool:
    """Whether the file continues after the end that the export knows."""
    known = max(source.entry.bytes, len(FORMAT.header))
    return source.path.is_file() and source.path.stat().st_size > known


@contextmanager
def cutting_tail(source: ExportedFile, *, dry_run: bool) -> Iterator[None]:
    """Cuts off the tail of this bank's own archive file once the block has committed.

    The tail is everything after the end recorded by then. A file beside the archive keeps a copy.
    No run could account for the tail, and if nothing is recorded a run would reject the file as
    another bank's.

    Raises FileProblem after the import is complete; the next archive run then cuts the tail off, or
    reports what it does not recognise.
    """
    yield
    path = archive_path()
    if dry_run or not has_tail(source) or not path.samefile(source.path):
        return
    with opened(path, last_segments()[0]) as file:
        file.keep_tail()
        file.cut()


def put_in_place(source: ExportedFile) -> None:
    """Copies the archive file into this bank's folder, before any commit that refers to it.

    A killed import may have left the very same file there. Raises ImportRefused if a different file
    is there, and FileProblem if it cannot be written.
    """
    target = archive_path()
    if target.exists() and not target.samefile(source.path):
        size = target.stat().st_size
        if _holds_lines(target) and digest_of(target, size) != source.entry.sha256:
            raise ImportRefused(f"{target} is another bank's archive; move it away first.")
    if not target.exists() or not target.samefile(source.path):
        with source.path.open("rb") as file, write_atomically(target) as copy:
            rest = source.entry.bytes  # The live archive may have grown since.
            while rest and (data := file.read(min(rest, _CHUNK_BYTES))):
                copy.write(data)
                rest -= len(data)
    if digest_of(target, source.entry.bytes) != source.entry.sha256:
        raise ImportRefused(f"{source.path} was changed while it was read.")
    failpoint("import.copied")


def record(source: ExportedFile, path: Path, progress: ReportRows) -> None:
    """Marks the loaded rows as archived and records their place in the file at `path`.

    Compares each line with the line that the bank writes for the row. Raises ImportFileError.
    """
    run = _begin()
    last = header_segment()
    for data, ids in _segments(path, source.entry.bytes):
        found = read_lines(connection, ids)
        lines = [found[one.encode()] for one in ids if one.encode() in found]
        if b"".join(line.data for line in lines) != data:
            raise ImportFileError(_difference(source, data, lines))
        # A row's time identifies its segment.
        at = run.started_at + timedelta(microseconds=last.number)
        if not mark_archived(lines, run_id=run.pk, at=at):
            reason = "The archive has transactions that are not settled."
            raise ImportFileError(ImportProblem(source.entry.name, 0, "", reason))
        last = record_segment(run, last, lines, data, at=at)
        progress(len(data))
    run.finished_at = max(clock.now(), last.recorded_at)
    run.save()


def _begin() -> ArchiveRun:
    header, now = header_segment(), clock.now()
    return ArchiveRun.objects.create(
        id=uuid7(now),
        caller=CALLER,
        bounds={"imported": True},
        digest=header.digest,
        file_start=header.file_end,
        file_end=header.file_end,
        started_at=now,
    )


def _segments(path: Path, size: int) -> Iterator[tuple[bytes, list[str]]]:
    """The lines after the header, in groups, with the ids at their beginnings."""
    records: list[bytes] = []
    for data in records_of(_lines(path, size)):
        records.append(data)
        if len(records) == _LINES_IN_SEGMENT:
            yield b"".join(records), list(map(_id, records))
            records = []
    if records:
        yield b"".join(records), list(map(_id, records))


def _lines(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(len(FORMAT.header))
        rest = size - len(FORMAT.header)
        while rest > 0 and (line := file.readline()):
            rest -= len(line)
            yield line


def _id(record: bytes) -> str:
    return id_of(record).decode()


def _difference(source: ExportedFile, data: bytes, lines: list[ArchiveLine]) -> ImportProblem:
    found = next((line.id.decode() for line in lines if line.data not in data), "a line")
    return ImportProblem(source.entry.name, 0, "", f"This bank would write {found} otherwise.")
