"""What a figure depends on: the machine, its load, its disk, and versions."""

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
    """`sync_milliseconds`: the median time to write a page and have the disk keep it."""
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
    """Of everything that a figure may depend on; `commit` is the bank's own."""
    found = {name: version(name) for name in _PACKAGES}
    found |= {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    if postgresql:
        found["PostgreSQL"] = ".".join(map(str, postgresql))
    return found | {"commit": _commit()}


def peak_megabytes(process: psutil.Process) -> float:
    """The most resident memory that the process ever had; where Linux does not tell, what it has.

    In MB, 1,000,000 bytes.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        resident: int = process.memory_info().rss
        return resident / 1e6
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6


def _processor() -> str:
    """The model that Linux names; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _filesystem(folder: Path) -> str:
    """The type of the file system that holds the folder: on tmpfs nothing is durable."""
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
    """With a + where files differ from it."""
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
