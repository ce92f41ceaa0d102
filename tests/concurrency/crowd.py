"""Many at once: threads that start together, and processes of their own."""

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
    """Runs each job in a thread of its own, all let go at the same moment; their results.

    Raises the first error of any of them, after all have ended. Database connections are closed.
    """
    barrier = threading.Barrier(len(jobs))
    threads = [Thread(job, barrier) for job in jobs]
    for thread in threads:
        thread.start()
    return [thread.result() for thread in threads]


class Thread:
    """A thread whose error is not lost, and which leaves no database connection behind."""

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
    """Runs `main` of the module in a process of its own, on this PostgreSQL database.

    The first argument is its job, what it prints is its result, both as JSON. Gives a
    function that waits for the result. Whatever happens, the process ends with the block.
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
    """What a process needs in order to work on the database of this test run.

    For SQLite `data_dir` is a folder where the test database goes by its usual name.
    """
    # What other processes run is what this one runs, and tracing them costs half the machine.
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
    """Of this test run, on PostgreSQL."""
    database = connection.settings_dict
    password = f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else ""
    host = f"{database['HOST']}:{database['PORT']}" if database["PORT"] else database["HOST"]
    return f"postgresql://{quote(database['USER'])}{password}@{host}/{quote(database['NAME'])}"
