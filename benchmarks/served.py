"""The bank behind gunicorn, with the usual configuration, on a free port."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.machine import peak_megabytes
from tests.http import free_port, wait_until_ready

STOP_SECONDS = 60

_COMMAND = (
    sys.executable,
    "-m",
    "gunicorn",
    "--config=python:bankproject.gunicorn_conf",
    "--no-control-socket",
)


class WebServer:
    """A running gunicorn, listening on `port` of 127.0.0.1. `pid` is that of its first process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.pid = process.pid
        self._process = psutil.Process(process.pid)
        self._idle_megabytes = self._largest_worker_megabytes()

    def growth_megabytes(self) -> float:
        """The peak memory of the largest worker, less that of the largest one before any load."""
        return round(self._largest_worker_megabytes() - self._idle_megabytes, 1)

    def _largest_worker_megabytes(self) -> float:
        return max(peak_megabytes(worker) for worker in self._process.children())


@contextmanager
def served(
    application: str, environment: Mapping[str, str], folder: Path, root: Path
) -> Iterator[WebServer]:
    """Serves the migrated bank of the environment by the WSGI application of the code in `root`.

    The log is in `folder`.
    """
    port = free_port()
    log = folder / f"{application.partition('.')[0]}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*_COMMAND, application],
            cwd=root,
            env={**environment, "HOST": "127.0.0.1", "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            wait_until_ready(port, process, log)
            yield WebServer(port, process)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
