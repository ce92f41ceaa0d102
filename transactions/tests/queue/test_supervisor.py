"""The supervisor and its processes, which need no database here."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# It says its number, and after SIGTERM it takes half a second to end.
_SLOW_TO_END = """
import os, signal, time
def end(*_):
    time.sleep(0.5)
    raise SystemExit
signal.signal(signal.SIGTERM, end)
print(os.getpid(), flush=True)
while True:
    time.sleep(60)
"""
_SUPERVISE = """
import sys
from transactions.queue.supervisor import Supervisor
Supervisor([sys.executable, "-c", sys.argv[1]], 1).run()
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.no_database
def test_a_supervisor_ends_after_its_workers() -> None:
    """Who waits for the supervisor may then migrate, or take the files away."""
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISE, _SLOW_TO_END],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        worker = int(supervisor.stdout.readline())
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
