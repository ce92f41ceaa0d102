"""One reading of the database for all processes of a server, taken once in an interval.

The reading is kept in the folder of the server's counts; without a server, in memory. A process
that finds it too old takes the next one, and the others show the old one meanwhile.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.metrics import folder

# What can be written as JSON.
Reading = dict[str, Any]
# A name, the values of its labels, and its value.
Value = tuple[str, tuple[str, ...], float]

_WAIT_SECONDS = 3.0
_in_process = threading.Lock()
_in_memory: tuple[float, Reading] | None = None


def shared(read: Callable[[Reading], Reading], interval_seconds: float) -> tuple[Reading, float]:
    """A reading and its age in seconds: above the interval only while a new one is taken.

    `read` gets the last reading, {} before the first one.
    """
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        last = _last()
        if last is not None and 0 <= time.time() - last[0] < interval_seconds:
            return last[1], time.time() - last[0]
        with _turn() as is_mine:
            if is_mine:
                reading = read(last[1] if last else {})
                _keep(reading)
                return reading, 0.0
        if last is not None:
            return last[1], max(0.0, time.time() - last[0])
        if time.monotonic() > until:
            return {}, 0.0
        time.sleep(0.02)


@contextmanager
def _turn() -> Iterator[bool]:
    """Whether it is this thread's turn to read; nobody else has it until the block ends."""
    if not _in_process.acquire(blocking=False):
        yield False
        return
    of_server = folder.current()
    descriptor = None
    try:
        if of_server is None:
            yield True
            return
        descriptor = os.open(of_server / "database.lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        if descriptor is not None:
            os.close(descriptor)
        _in_process.release()


def forget() -> None:
    """For tests: the next look reads again."""
    global _in_memory  # noqa: PLW0603 - the reading of this process
    _in_memory = None


def _last() -> tuple[float, Reading] | None:
    if (of_server := folder.current()) is None:
        return _in_memory
    with suppress(OSError, ValueError):
        at, reading = json.loads(_file(of_server).read_text())
        return at, reading
    return None


def _keep(reading: Reading) -> None:
    global _in_memory  # noqa: PLW0603 - the reading of this process
    last = time.time(), reading
    if (of_server := folder.current()) is None:
        _in_memory = last
        return
    with suppress(OSError):  # The next look reads again.
        unfinished = of_server / "database.unfinished"
        unfinished.write_text(json.dumps(last))
        unfinished.replace(_file(of_server))


def _file(of_server: Path) -> Path:
    return of_server / "database.json"
