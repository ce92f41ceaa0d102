"""Concurrency: threads that start together, and separate processes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection, connections

PATIENCE_SECONDS = 300


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs each job in its own thread, all released at the same moment; returns their results.

    Raises the first error of any of them, after all have ended. Closes their database connections.
    """
    barrier = threading.Barrier(len(jobs))
    threads = [Thread(job, barrier) for job in jobs]
    for thread in threads:
        thread.start()
    return [thread.result() for thread in threads]


class Thread:
    """A thread that keeps its error, and closes its database connections at its end."""

    def __init__(self, job: Callable[[], Any], barrier: threading.Barrier | None = None) -> None:
        self._job, self._barrier = job, barrier
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Thread":
        self._thread.start()
        return self

    def result(self) -> Any:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "A thread is stuck."
        if self._error:
            raise self._error
        return self._result

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            if self._barrier:
                self._barrier.wait(PATIENCE_SECONDS)
            self._result = self._job()
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._error = error
        finally:
            connections.close_all()


@contextmanager
def process_running(module: str, job: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Runs `main` of the module in a separate process on this PostgreSQL database.

    The process gets its job as first argument and prints its result, both in JSON. Gives a function
    that waits for the result. The process always ends with the block.
    """
    assert connection.vendor == "postgresql"
    program = f"import django; django.setup(); import {module} as it; it.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(job)],
        cwd=settings.BASE_DIR,
        env=environment_of_database(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )

    def result() -> Any:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, f"{module} ended with {process.returncode}"
        return json.loads(output)

    with process:
        try:
            yield result
        finally:
            process.kill()


def environment_of_database(data_dir: str = "") -> dict[str, str]:
    """The environment for a process that works on the database of this test run.

    For SQLite, `data_dir` is a folder that has the test database under its usual name.
    """
    # Other processes run the same code as this one, so tracing them would only cost time.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "bankproject.settings",
        "DJANGO_SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": database_url() if connection.vendor == "postgresql" else "",
    }
    if connection.vendor == "postgresql":
        level = connection.settings_dict["OPTIONS"]["isolation_level"]
        environment["BANK_ISOLATION_LEVEL"] = {
            2: "read committed",
            3: "repeatable read",
            4: "serializable",
        }[level]
    if data_dir:
        environment["BANK_DATA_DIR"] = data_dir
    return environment


def database_url() -> str:
    """The URL of the database of this test run, on PostgreSQL."""
    database = connection.settings_dict
    password = f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else ""
    host = f"{database['HOST']}:{database['PORT']}" if database["PORT"] else database["HOST"]
    return f"postgresql://{quote(database['USER'])}{password}@{host}/{quote(database['NAME'])}"
