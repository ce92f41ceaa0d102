"""Files that are written whole before they are sent: an error on the way sends no part of one."""

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO


def temporary_file(write: Callable[[IO[bytes]], object]) -> IO[bytes]:
    """A temporary file with what `write` writes, at its start. It goes when it is closed.

    An error of `write` leaves no file.
    """
    file = TemporaryFile()  # noqa: SIM115 - the caller closes it.
    try:
        write(file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
