"""gunicorn on a free port, serving the database of this test run."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.concurrency.crowd import environment_of_database
from tests.http import free_port, wait_until_ready

WORKERS = 4
# Marks a test that runs on a bank that gathers commands, and on one that does not.
WITH_AND_WITHOUT = pytest.mark.parametrize(
    "gathers", [True, False], ids=["gathering", "each alone"]
)
STOP_SECONDS = 30


@contextmanager
def served(workers: int = WORKERS, *, gathers: bool = True) -> Iterator[int]:
    """Gives the port. Rate limits are off."""
    with tempfile.TemporaryDirectory(prefix="bank-served-") as folder:
        if connection.vendor == "sqlite":
            Path(folder, "bank.sqlite3").symlink_to(connection.settings_dict["NAME"])
        port = free_port()
        environment = environment_of_database(folder) | {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WEB_CONCURRENCY": str(workers),
            "BANK_GATHERING": str(gathers),
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
                wait_until_ready(port, server, log)
                yield port
            finally:
                server.terminate()
                server.wait(STOP_SECONDS)
