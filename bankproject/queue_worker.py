"""The worker of the queue beside the web server: gunicorn starts it, and restarts it when it ends.

The master of gunicorn watches the worker. The processes that answer requests are forks of the
master. In memory shared with the master, they read whether the worker keeps ending.
"""

import mmap
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_LOOK_SECONDS = 0.5
# A worker that ends sooner counts as a failed start.
STEADY_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

# The number of failed starts in a row: one byte, shared with the forks.
_failures = mmap.mmap(-1, 1)


def failed_starts() -> int:
    """The number of workers in a row that ended soon after their start; 0 while one runs steadily.

    It is also 0 in a process that was not forked by a server with a worker.
    """
    return _failures[0]


class QueueWorker:
    """Keeps one process of `command` running until `stop`.

    The first replacement starts after a second. The pause doubles with each replacement that fails,
    up to half a minute. `log` has the interface of gunicorn's logger. Once `is_stopping` returns
    true, no other process is started.
    """

    def __init__(self, command: list[str], log: Any, is_stopping: Callable[[], bool]) -> None:
        self._command = command
        self._log = log
        self._is_stopping = is_stopping
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._thread = threading.Thread(target=self._watch, name="queue-worker", daemon=True)

    def start(self) -> None:
        """Starts the process, and the thread that watches it."""
        self._start_process()
        self._thread.start()

    def stop(self) -> None:
        """Tells the process to stop, and returns when it has ended."""
        self._stopped.set()
        self._thread.join()
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _start_process(self) -> None:
        """Starts a process. If the machine has no room for it, that counts as an ended process."""
        self._process, self._started_at = None, time.monotonic()
        with suppress(OSError):
            self._process = subprocess.Popen(self._command)

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            runs = self._process is not None and self._process.poll() is None
            age = time.monotonic() - self._started_at
            if runs and age >= STEADY_SECONDS:
                _failures[0] = 0
            elif not runs and not self._is_stopping():
                self._replace(age)

    def _replace(self, age: float) -> None:
        failures = min(failed_starts() + 1, 255) if age < STEADY_SECONDS else 0
        _failures[0] = failures
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(failures, 10), _LONGEST_PAUSE_SECONDS)
        self._log.error("The worker of the queue has ended; another starts in %d s", pause)
        if not self._stopped.wait(pause) and not self._is_stopping():
            self._start_process()
