"""The supervisor: runs several worker processes and restarts those that die."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any
from uuid import uuid4

logger = logging.getLogger(__name__)

_RESTART_SECONDS = 1.0


class Supervisor:
    """Starts `count` copies of a command, restarts those that die, stops all on a signal.

    Each copy has a slot, whose name it gets as `--slot`. The copy that replaces a dead one in its
    slot takes over its leases at once. Only the leases of a lost host have to expire first.
    """

    def __init__(self, command: list[str], count: int) -> None:
        self._command = command
        self._workers: dict[str, subprocess.Popen[bytes] | None] = {
            uuid4().hex: None for _ in range(count)
        }
        self._stopping = False

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT; returns when all workers have ended."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            for slot, worker in self._workers.items():
                if worker is None or worker.poll() is not None:
                    if worker is not None and not self._stopping:
                        code = worker.returncode
                        logger.error("A worker ended with code %s; starting another", code)
                    self._workers[slot] = subprocess.Popen([*self._command, f"--slot={slot}"])
            time.sleep(_RESTART_SECONDS)
        running = [worker for worker in self._workers.values() if worker is not None]
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait()

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True


def end_with_parent() -> None:
    """Ends this process, as SIGTERM would, when its parent is gone."""
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
