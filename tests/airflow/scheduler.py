"""An Airflow for tests, in a process of its own: a new database, and the DAGs of deploy/airflow."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DAGS = ROOT / "deploy" / "airflow" / "dags"
ENVIRONMENT = ROOT / ".venv-airflow"
_PYTHON = ENVIRONMENT / "bin" / "python"
_MIGRATION_SECONDS = 300


@dataclass(frozen=True)
class DagRun:
    """How a run ended: its state, those of its tasks, and what it logged."""

    state: str
    tasks: dict[str, str]
    log: str


class Airflow:
    """Runs one DAG after the other. `found` is what Airflow read from the folder of DAGs."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process, self._log = process, log
        self._read = 0
        self.found = self._told()

    def run(self, dag: str, at: str | None, **how: Any) -> DagRun:
        """Runs a DAG at a moment, in ISO 8601 with an offset; None for a run by hand, now."""
        self.begin(dag, at, **how)
        return self.end()

    def begin(self, dag: str, at: str | None, **how: Any) -> None:
        """Starts a run and returns at once. `how` is read by tests/airflow/runner.py."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"dag": dag, "at": at, **how}) + "\n")
        self._process.stdin.flush()

    def logged(self) -> str:
        """What the run that goes on has logged."""
        with self._log.open() as log:
            log.seek(self._read)
            return log.read()

    def end(self) -> DagRun:
        told = self._told()
        log = self.logged()
        self._read = self._log.stat().st_size
        print(log)  # pytest shows it beside a failure.
        return DagRun(told["state"], told["tasks"], log)

    def _told(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"Airflow has ended:\n{self._log.read_text()[-4000:]}"
        return json.loads(line)


@contextmanager
def airflow(folder: Path, **environment: str) -> Iterator[Airflow]:
    """An Airflow in this folder, which ends with the block."""
    if not _PYTHON.exists():
        pytest.fail("There is no Airflow: make test-airflow installs it into .venv-airflow.")
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "HOME") if name in os.environ}
    environment |= kept | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    migrated = subprocess.run(
        [_PYTHON.with_name("airflow"), "db", "migrate"],
        env=environment, cwd=folder, timeout=_MIGRATION_SECONDS, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert migrated.returncode == 0, migrated.stdout
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [_PYTHON, Path(__file__).with_name("runner.py")],
            env=environment, cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
        ) as process,
    ):  # fmt: skip
        try:
            yield Airflow(process, log)
        finally:
            process.kill()
