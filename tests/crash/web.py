"""gunicorn for crash tests: it can be killed, restarted, and made to die at a failpoint."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from core.failpoints import FAILPOINTS
from tests.concurrency.client import Client
from tests.crash.processes import eventually, kill_a_child, kill_all, started
from tests.http import free_port

_GUNICORN = (
    sys.executable,
    "-m",
    "gunicorn",
    "--config=python:bankproject.gunicorn_conf",
    "--no-control-socket",
)


class WebServer:
    """gunicorn on a port of its own, which stays the same after a restart."""

    def __init__(self, environment: dict[str, str], folder: Path, *, fused: bool) -> None:
        self.port = free_port()
        self.log = folder / "web.log"
        self._fuses = folder / "fuses"
        self._fuses.mkdir()
        # A fused worker dies often. Forked from a parent that has loaded the bank, it restarts
        # fast.
        self._command = [*_GUNICORN, *(["--preload"] if fused else [])]
        self._environment = environment | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "BANK_THROTTLE_CLIENT_PER_MINUTE": "0",
            "BANK_THROTTLE_ADDRESS_PER_MINUTE": "0",
        }
        if fused:
            self._environment |= {
                "BANK_FAILPOINTS": ",".join(f"{name}=kill" for name in FAILPOINTS),
                "BANK_FAILPOINT_FUSES": str(self._fuses),
            }
        self._stack = ExitStack()
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Returns when the server is ready."""
        context = started(list(self._command), self._environment, self.log)
        self._process = self._stack.enter_context(context)
        eventually(self.is_ready)

    def is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-4000:]
        try:
            answer = Client(self.port, token="").send("GET", "health/ready/")
        except (OSError, AssertionError):
            return False
        return answer is not None and answer.status == 200

    @property
    def pid(self) -> int:
        """The first process of the running server."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> int:
        """Kills gunicorn and all its workers at once (SIGKILL). Returns their number."""
        assert self._process is not None
        killed = kill_all(self._process.pid)
        self.end()
        return killed

    def stop(self) -> int:
        """Stops gunicorn as its operator does (SIGTERM). Returns its exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(60)
        self.end()
        return code

    def kill_a_worker(self, random: Random) -> None:
        """Kills one of gunicorn's workers (SIGKILL), which gunicorn replaces."""
        assert self._process is not None
        kill_a_child(self._process.pid, random)

    def end(self) -> None:
        self._stack.close()

    def fuse(self, failpoint: str) -> None:
        """Makes the next worker that passes this failpoint die there."""
        (self._fuses / failpoint).touch()

    def has_blown(self, failpoint: str) -> bool:
        return not (self._fuses / failpoint).exists()


@contextmanager
def web_server(environment: dict[str, str], folder: Path, *, fused: bool) -> Iterator[WebServer]:
    server = WebServer(environment, folder, fused=fused)
    try:
        server.start()
        yield server
    finally:
        server.end()
