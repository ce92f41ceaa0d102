"""Processor time of servers under load. A busy machine raises it less than it lowers a rate.

It is the user and system time of each process (/proc/PID/stat on Linux), in steps of 10 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psutil

_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Processor seconds of all processes of the web server, and of all those of PostgreSQL."""

    server: float = 0.0
    database: float = 0.0

    def __sub__(self, other: "ProcessorTime") -> "ProcessorTime":
        return ProcessorTime(self.server - other.server, self.database - other.database)

    def __truediv__(self, count: int) -> "ProcessorTime":
        return ProcessorTime(self.server / count, self.database / count)


# Reads the time used so far.
Meter = Callable[[], ProcessorTime]


def meter(server_pid: int, database_pid: int) -> Meter:
    """A meter of the web server and the PostgreSQL whose first processes have these ids."""
    return lambda: ProcessorTime(used_seconds(server_pid), used_seconds(database_pid))


def used_seconds(pid: int) -> float:
    """The processor time so far of a process and its descendants, including ended ones.

    The time of an ended process is in the count of the parent that waited for it. A process that
    starts or ends during a reading could count twice or not at all, so the reading is repeated.
    Raises RuntimeError if that never succeeds.
    """
    first = psutil.Process(pid)
    for _ in range(_ATTEMPTS):
        family = _family(first)
        try:
            used = sum(sum(process.cpu_times()[:4]) for process in family)
        except psutil.NoSuchProcess:
            continue
        if _family(first) == family:
            return used
    raise RuntimeError(f"Processes below {pid} come and go too fast to read their times.")


def _family(first: psutil.Process) -> list[psutil.Process]:
    return [first, *sorted(first.children(recursive=True), key=lambda process: process.pid)]
