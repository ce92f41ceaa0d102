"""Files that only grow: opened, written at their end, and cut back after a crash."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.files import MODE_OF_NEW_FILES, os_errors_as_file_problem, sync_folder


@contextmanager
def opened_to_append(path: Path, *, create: bool = False) -> Iterator[int]:
    """The descriptor of the file, for reading and appending. Raises FileProblem.

    With `create` a missing file is made, and its name is on the disk. Follows no symbolic link.
    """
    is_new = create and not os.path.lexists(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os_errors_as_file_problem(path):
        descriptor = os.open(path, flags | (os.O_CREAT if create else 0), MODE_OF_NEW_FILES)
    try:
        if is_new:
            sync_folder(path.parent)
        yield descriptor
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all bytes: the system may take some of them at a time. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def cut(path: Path, descriptor: int, size: int) -> None:
    """Cuts the open file to this size. On return that is on the disk. Raises FileProblem."""
    with os_errors_as_file_problem(path, "cut"):
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
