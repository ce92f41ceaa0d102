"""Commands that start fast: forked from one process that has loaded the bank.

Each is a separate process, as if `manage.py` had started it, and can be killed. Reads lines of JSON
from standard input, and responds to each with one line of JSON.
"""

import json
import os
import signal
import sys
import time
from typing import Any

import django
from django.core.management import CommandError

# A child that hangs is killed after this time, and reported as hung.
PATIENCE_SECONDS = 300
PATIENCE_FOR_OTHERS_SECONDS = 120
HUNG = "hung"


def main() -> None:
    django.setup()
    children: set[int] = set()
    try:
        for line in sys.stdin:
            job = json.loads(line)
            if "wait" in job:
                children.discard(job["wait"])
                answer: Any = _exit_code(job["wait"])
            else:
                answer = _fork(job)
                children.add(answer)
            print(json.dumps(answer), flush=True)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _fork(job: dict[str, Any]) -> int:
    """Forks a command with its `arguments`, `failpoints` to arm, `lease_seconds` and `log`."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _run(job)
        code = 0
    except CommandError as error:
        print(error, file=sys.stderr, flush=True)
        code = error.returncode
    finally:
        os._exit(code)


def _run(job: dict[str, Any]) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from core.failpoints import arm

    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # No setting allows a lease below a second; here it saves time.
    settings.WORKER_LEASE_SECONDS = job["lease_seconds"]
    # A settled moment comes after all older transactions of the server, those of the tests in other
    # databases included. Locks of the own database keep the time-out of their connection.
    settings.LOCK_TIMEOUT_SECONDS = PATIENCE_FOR_OTHERS_SECONDS
    arm(job["failpoints"])
    call_command(job["command"], *job["arguments"])
    sys.stdout.flush()


def _exit_code(pid: int) -> int | str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return HUNG


if __name__ == "__main__":
    main()
