"""The conditions of a run: the machine, its load, its disk, and versions."""

import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("Django", "djangorestframework", "psycopg", "gunicorn")
_SYNCS = 100
_PAGE = bytes(8192)


def machine() -> dict[str, Any]:
    """The machine's data; `sync_milliseconds` is the median time to write and sync a page."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "filesystem": _filesystem(Path(tempfile.gettempdir())),
        "sync_milliseconds": round(_sync_milliseconds(), 3),
    }


def versions(postgresql: tuple[int, int] | None) -> dict[str, str]:
    """The versions of everything that may affect a figure; `commit` is the bank's own."""
    found = {name: version(name) for name in _PACKAGES}
    found |= {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    if postgresql:
        found["PostgreSQL"] = ".".join(map(str, postgresql))
    return found | {"commit": _commit()}


def peak_megabytes(process: psutil.Process) -> float:
    """The peak resident memory of the process in MB (1,000,000 bytes).

    Where the system does not report it, the current resident memory.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        resident: int = process.memory_info().rss
        return resident / 1e6
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6


def _processor() -> str:
    """The processor's model from Linux, elsewhere from Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _filesystem(folder: Path) -> str:
    """The file system type of the folder: on tmpfs nothing is durable."""
    resolved = folder.resolve()
    mounts = [
        partition
        for partition in psutil.disk_partitions(all=True)
        if resolved.is_relative_to(partition.mountpoint)
    ]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else "unknown"


def _sync_milliseconds() -> float:
    with tempfile.TemporaryFile() as file:
        times = []
        for _ in range(_SYNCS):
            started = time.perf_counter()
            file.write(_PAGE)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return median(times) * 1000


def _commit() -> str:
    """The current commit, with a + if files differ from it."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - wherever git is
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()
