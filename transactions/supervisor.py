"""Several workers, each a process of its own, and one that looks after them."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

_RESTART_SECONDS = 1.0


class Supervisor:
    """Starts `count` copies of a command, restarts those that die, stops all when told to."""

    def __init__(self, command: list[str], count: int) -> None:
        self._command = command
        self._workers: list[subprocess.Popen[bytes]] = []
        self._count = count
        self._stopping = False

    def run(self) -> None:
        """Returns once it was told to stop by SIGTERM or SIGINT and all workers have ended."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            self._workers = [worker for worker in self._workers if worker.poll() is None]
            for _ in range(self._count - len(self._workers)):
                self._workers.append(subprocess.Popen(self._command))
            time.sleep(_RESTART_SECONDS)
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.wait()

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True


def end_with_parent() -> None:
    """Ends this process, as SIGTERM would, when the one that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def worker_command(batch_size: int) -> list[str]:
    """The command line of one worker that ends with its parent."""
    return [
        sys.executable,
        sys.argv[0] if sys.argv[0].endswith("manage.py") else "manage.py",
        "process_transactions",
        f"--batch-size={batch_size}",
        "--end-with-parent",
    ]
