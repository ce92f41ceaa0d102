"""Atomic, durable file writes: a file exists as a whole or not at all, even after a crash.

A new file is written in the same folder under a temporary name, made durable, and renamed over the
old file (POSIX rename is atomic); then the folder is made durable. Readers see the old file or the
new one, also after a crash. A crash may leave the temporary file: `remove_leftovers` deletes it.
"""

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_TEMPORARY_SUFFIX = ".unfinished"
# The operator decides who may read the bank's files: a replaced file keeps its mode.
MODE_OF_NEW_FILES = 0o600

_REASONS = {
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "its folder is not a folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space is left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.ELOOP: "it is a symbolic link, which is not followed",
}


class FileProblem(Exception):
    """A file cannot be written or read. The message is one sentence for an operator."""


class FileBusy(FileProblem):
    """Another process holds the lock."""


@contextmanager
def os_errors_as_file_problem(path: Path, doing: str = "written") -> Iterator[None]:
    """Turns an OSError of the block into a FileProblem that names the path."""
    try:
        yield
    except OSError as error:
        raise FileProblem(f"{path} cannot be {doing}: {reason_of(error)}.") from error


def reason_of(error: OSError) -> str:
    """The reason of the operating system, in words for an operator."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading, also by a symbolic link.

    Raises FileProblem for a pipe, which would wait for a writer, or a device, which has no end.
    Raises OSError for a folder, and if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise FileProblem(f"{path} is no regular file, and is not read.")
    return os.fdopen(descriptor, "rb")


class PendingFile:
    """A file on its way to `path`: written, then sealed, then published; discarded otherwise.

    After `publish` the caller makes the folder durable, once for several files (`sync_folder`). As
    a context manager it discards an unpublished file at the end. Every method raises FileProblem,
    with the reason. The constructor raises it if `path` is anything else than a regular file, such
    as a symbolic link: only a regular file is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        mode = _mode_of(path)
        with os_errors_as_file_problem(path):
            descriptor, name = tempfile.mkstemp(
                prefix=f".{path.name}.", suffix=_TEMPORARY_SUFFIX, dir=path.parent
            )
        self._temporary: Path | None = Path(name)
        self.file: IO[bytes] = os.fdopen(descriptor, "wb")
        with os_errors_as_file_problem(path):
            os.fchmod(descriptor, mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, data: bytes) -> None:
        with os_errors_as_file_problem(self.path):
            self.file.write(data)

    def seal(self) -> None:
        """On return everything written is on the disk."""
        with os_errors_as_file_problem(self.path), self.file:
            self.file.flush()
            os.fsync(self.file.fileno())

    def publish(self) -> None:
        """Puts the sealed file in its place."""
        assert self.file.closed, "It is sealed first."
        assert self._temporary is not None, "It is published once."
        with os_errors_as_file_problem(self.path):
            self._temporary.replace(self.path)
        self._temporary = None

    def discard(self) -> None:
        """Removes the temporary file unless it is published."""
        with suppress(OSError):  # Closing flushes the buffer, and the disk may be full.
            self.file.close()
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.unlink()


@contextmanager
def write_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into. It replaces `path` when the block ends without an error.

    On return it is durable. Raises FileProblem if the folder is missing or read-only, if `path` is
    a folder or symbolic link, and if the disk is full: any OSError of the block counts as an error
    of this file. After an error nothing has changed.
    """
    with PendingFile(path) as pending:
        with os_errors_as_file_problem(path):
            yield pending.file
        pending.seal()
        pending.publish()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """On return the names in the folder are on the disk. Raises FileProblem."""
    with os_errors_as_file_problem(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_open_to_all(folder: Path) -> bool:
    """Whether this is a folder of ours that everybody has rights to, as git creates it."""
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and bool(status.st_mode & stat.S_IRWXO)


def close_to_others(folder: Path) -> None:
    """Removes the rights of others on a folder of ours that everybody had rights to.

    If the operator has opened the folder to a group only, the group keeps its rights.
    """
    if is_open_to_all(folder):
        with suppress(OSError):
            folder.chmod(stat.S_IRWXU)


def require_folder(folder: Path) -> None:
    """Raises FileProblem unless this is a folder. Does not create it: the name may be misspelt."""
    if not folder.exists():
        raise FileProblem(f"The folder {folder} does not exist.")
    if not folder.is_dir():
        raise FileProblem(f"{folder} is not a folder.")


def require_writable_folder(folder: Path) -> None:
    """Raises FileProblem unless this process may create and rename files in the folder.

    Without that right an existing file can be appended to, but not locked, copied or replaced.
    """
    require_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise FileProblem(f"{folder} cannot be written to: permission denied.")


def remove_leftovers(folder: Path, name: str) -> None:
    """Removes temporary files of `name` left by killed processes. Nobody may be writing it now."""
    for path in folder.glob(f".{name}.*{_TEMPORARY_SUFFIX}"):
        with os_errors_as_file_problem(path, "removed"):
            path.unlink(missing_ok=True)


@contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock file `path`. The lock ends with the process, even if it is killed.

    Raises FileBusy with the text `busy` if another process holds it, and FileProblem if the file
    cannot be created. The file stays: another process may have it open, so it is unsafe to remove
    it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    named = path if path.is_symlink() else path.parent
    with os_errors_as_file_problem(named, "written to"):
        descriptor = os.open(path, flags, MODE_OF_NEW_FILES)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileBusy(busy) from None
        yield
    finally:
        os.close(descriptor)


def _mode_of(path: Path) -> int:
    """The permissions of the replaced file. Raises FileProblem unless it is a regular file."""
    require_folder(path.parent)
    with os_errors_as_file_problem(path):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return MODE_OF_NEW_FILES
    if stat.S_ISLNK(mode):
        raise FileProblem(f"{path} is a symbolic link, which is not followed.")
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise FileProblem(f"{path} is {kind}, and is not replaced.")
    return stat.S_IMODE(mode)
