"""gunicorn on a free port, serving the database of this test run."""

import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.concurrency.crowd import environment_of_database

WORKERS = 4
START_SECONDS = 90
STOP_SECONDS = 30


@contextmanager
def served(workers: int = WORKERS) -> Iterator[int]:
    """Gives the port. Throttles are out of the way."""
    with tempfile.TemporaryDirectory(prefix="bank-served-") as folder:
        if connection.vendor == "sqlite":
            Path(folder, "bank.sqlite3").symlink_to(connection.settings_dict["NAME"])
        port = _free_port()
        environment = environment_of_database(folder) | {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WEB_CONCURRENCY": str(workers),
            "BANK_THROTTLE_CLIENT_PER_MINUTE": "1000000",
            "BANK_THROTTLE_ADDRESS_PER_MINUTE": "1000000",
        }
        log = Path(folder, "log")
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config=python:bankproject.gunicorn_conf",
            "--no-control-socket",
        ]
        with (
            log.open("w") as output,
            subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as server,
        ):
            try:
                _wait_until_ready(port, server, log)
                yield port
            finally:
                server.terminate()
                server.wait(STOP_SECONDS)


def _wait_until_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            probe.request("GET", "/api/v1/health/ready/")
            with probe.getresponse() as response:
                if response.status == 200:
                    return
        except OSError:
            pass
        finally:
            probe.close()
        time.sleep(0.1)
    raise RuntimeError(f"The bank does not serve:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
