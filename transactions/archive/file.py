"""The archive file: appends to it, syncs it to disk, cuts it back to its recorded end.

Nothing else in the system writes to it, and recorded bytes never change.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from core import clock
from core.appending import cut, opened_to_append, write_all
from core.failpoints import failpoint
from core.files import os_errors_as_file_problem, require_writable_folder, write_atomically
from transactions.archive.lines import FORMAT
from transactions.archive.problems import ArchiveProblem
from transactions.models import ArchiveSegment


def archive_path() -> Path:
    return Path(settings.DATA_DIR) / FORMAT.file_name


def chained(digest: str, data: bytes = b"") -> "hashlib._Hash":
    """SHA-256 over a digest, 32 bytes or nothing, and the data that follows it in the file."""
    return hashlib.sha256(bytes.fromhex(digest) + data)


def header_segment() -> ArchiveSegment:
    """The header, as the segment before the first one. It is never stored."""
    return ArchiveSegment(
        number=0,
        digest=chained("", FORMAT.header).hexdigest(),
        file_start=0,
        file_end=len(FORMAT.header),
    )


def last_segments() -> tuple[ArchiveSegment, str]:
    """The last recorded segment, or the header; and the digest before it."""
    *earlier, last = [header_segment(), *ArchiveSegment.objects.order_by("-number")[:2][::-1]][-2:]
    return last, earlier[0].digest if earlier else ""


class ArchiveFile:
    """The file, open for appending. `end` is the recorded end; the caller holds the lock.

    Every method raises FileProblem.
    """

    def __init__(self, path: Path, descriptor: int, end: int) -> None:
        self.path = path
        self.end = end
        self._descriptor = descriptor

    def append(self, data: bytes) -> None:
        """Appends after the recorded end, which stays. On return the bytes are on the disk."""
        half = len(data) // 2
        with os_errors_as_file_problem(self.path):
            write_all(self._descriptor, data[:half])
            failpoint("archive.half_appended")
            write_all(self._descriptor, data[half:])
            failpoint("archive.appended")
            os.fsync(self._descriptor)
        failpoint("archive.synced")

    def cut(self) -> None:
        """Removes everything after the recorded end."""
        cut(self.path, self._descriptor, self.end)
        failpoint("archive.cut")

    def tail(self) -> int:
        """The number of bytes after the recorded end."""
        return os.fstat(self._descriptor).st_size - self.end

    def keep_tail(self) -> Path:
        """Copies the bytes after the recorded end to a separate file beside this one."""
        kept = self.path.with_name(f"{self.path.name}.cut-{clock.now():%Y%m%dT%H%M%S%fZ}")
        with (
            os.fdopen(os.dup(self._descriptor), "rb") as source,
            write_atomically(kept) as target,
        ):
            source.seek(self.end)
            shutil.copyfileobj(source, target)
        return kept

    def require(self, last: ArchiveSegment, digest_before: str) -> None:
        """Raises ArchiveProblem unless the file matches `last`.

        Checks the header and the last segment: an insertion or removal before it has moved it.
        """
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ArchiveProblem(f"{self.path} is not a regular file.")
        if os.pread(self._descriptor, len(FORMAT.header), 0) != FORMAT.header:
            raise ArchiveProblem(f"{self.path} does not begin with the header of the archive.")
        if status.st_size < last.file_end:
            raise ArchiveProblem(
                f"{self.path} has {status.st_size} bytes, and {last.file_end} are recorded:"
                " it was cut short. Put it back from its backup."
            )
        data = os.pread(self._descriptor, last.file_end - last.file_start, last.file_start)
        if chained(digest_before, data).hexdigest() != last.digest:
            raise ArchiveProblem(
                f"{self.path} was changed: `verify_archive` says where. Restore it from its backup."
            )


@contextmanager
def opened(path: Path, last: ArchiveSegment) -> Iterator[ArchiveFile]:
    """The archive file. Creates it, with its header, if it is missing and nothing is recorded.

    Raises FileProblem if it cannot be opened, is missing or is a symbolic link, or if the folder is
    read-only.
    """
    require_writable_folder(path.parent)
    if not last.number and not os.path.lexists(path):
        with write_atomically(path) as file:
            file.write(FORMAT.header)
    if last.number and not os.path.lexists(path):
        raise ArchiveProblem(
            f"{path} is missing, and runs are recorded. Put it back from its backup."
        )
    with opened_to_append(path) as descriptor:
        yield ArchiveFile(path, descriptor, last.file_end)
