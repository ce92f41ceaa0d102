"""The processes of a crash test: started, killed by their id, and always gone at its end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
# A limit for hanging processes, far above the time of any working one.
PATIENCE_SECONDS = 300


def eventually(condition: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """The value of `condition` once it is true. Fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)
    return value


@contextmanager
def started(
    command: list[str], environment: dict[str, str], log: Path, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """Runs a program of the bank. It and all its children always end with the block."""
    options = {"stdin": subprocess.DEVNULL, "stdout": None} | options
    with log.open("a") as output:
        options["stdout"] = options["stdout"] or output
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=output, **options)
    with process:
        try:
            yield process
        finally:
            kill_all(process.pid)


def kill_all(pid: int) -> int:
    """Kills a process and all its descendants at once (SIGKILL). Returns their number."""
    try:
        root = psutil.Process(pid)
        # A stopped process cannot fork between the count and the kill.
        root.suspend()
        doomed = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in doomed:
        _kill(process)
    psutil.wait_procs(doomed[1:], timeout=PATIENCE_SECONDS)
    return len(doomed)


def kill_a_child(pid: int, random: Random) -> None:
    """Kills a child of the process (SIGKILL); waits for one if all have died."""
    children: list[psutil.Process] = eventually(psutil.Process(pid).children)
    _kill(random.choice(children))


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def is_stopped(pid: int) -> bool:
    """Whether the process waits for SIGCONT. Fails if it has ended, which it then never will."""
    status: str = psutil.Process(pid).status()
    assert status not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD), "It ended before that."
    return status == psutil.STATUS_STOPPED


@dataclass(frozen=True, slots=True)
class Worker:
    """A queue worker. `exit_code` waits for its end: minus the signal that killed it."""

    pid: int
    log: Path
    exit_code: Callable[[], int | str]

    def kill(self) -> int | str:
        psutil.Process(self.pid).kill()
        return self.exit_code()

    def until_stopped(self) -> None:
        """Waits until it has reached its failpoint. Fails with its log if it ends before."""
        try:
            eventually(lambda: is_stopped(self.pid))
        except AssertionError as error:
            raise AssertionError(f"{error} Its log: {self.log.read_text()}") from error

    def resume(self) -> None:
        psutil.Process(self.pid).send_signal(signal.SIGCONT)


class Workers:
    """Starts queue workers."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0

    def start(
        self, *arguments: str, failpoints: str = "", lease_seconds: float = 60, log: str = ""
    ) -> Worker:
        """Starts a queue worker, which ends with this process."""
        return self.run(
            "process_transactions",
            "--end-with-parent",
            *arguments,
            failpoints=failpoints,
            lease_seconds=lease_seconds,
            log=log,
        )

    def run(
        self,
        command: str,
        *arguments: str,
        failpoints: str = "",
        lease_seconds: float = 60,
        log: str = "",
    ) -> Worker:
        """Starts a process with any command."""
        self._count += 1
        path = self._folder / (log or f"worker-{self._count}.log")
        pid = self._ask(
            {
                "command": command,
                "arguments": arguments,
                "failpoints": failpoints,
                "lease_seconds": lease_seconds,
                "log": str(path),
            }
        )
        return Worker(pid, path, lambda: self._ask({"wait": pid}))

    def _ask(self, job: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def workers(environment: dict[str, str], folder: Path) -> Iterator[Workers]:
    command = [sys.executable, "-m", "tests.crash.forked_workers"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with started(command, environment, folder / "workers.log", **pipes) as process:
        yield Workers(process, folder)
