"""A demo bank as started by `make run`, on a free port and in a folder of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.http import free_port, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 60

# `setup_demo` prints a name, a password and a role on each line of its first list.
_PASSWORD_LINE = re.compile(
    r"^  (\w+) +(\S+) +(superuser|teller|supervisor|auditor|customer)$", re.MULTILINE
)
TOKEN = re.compile(r"Bearer ([\w-]+)")


@dataclass(frozen=True, slots=True)
class DemoBank:
    """`url` is the root of the server, without a trailing slash; passwords are by user name.

    The API client acts as `susan`, a supervisor. `token` is the one printed by `make run`, for the
    teller `tessa`; the busy bank has none, and `folder`, its data.
    """

    url: str
    passwords: dict[str, str]
    client_id: str
    client_secret: str
    token: str = ""
    folder: Path | None = None


@contextmanager
def demo_bank() -> Iterator[DemoBank]:
    """Migrates, sets up and serves an embedded bank, by the same commands as `make run`.

    Raises RuntimeError, with the output, if one of them fails.
    """
    with bank_folder() as (folder, environment):
        _manage(environment, "migrate", "--verbosity", "0")
        printed = _manage(environment, "setup_demo")
        passwords = {name: password for name, password, _ in _PASSWORD_LINE.findall(printed)}
        token = TOKEN.findall(printed)[0]
        client = json.loads(
            _manage(environment, "create_api_client", "Examples", "--user", "susan", "--json")
        )
        with served(environment, folder, "manage.py", "serve") as url:
            yield DemoBank(url=url, passwords=passwords, token=token, **client)


@contextmanager
def busy_bank(*, at: str = "") -> Iterator[DemoBank]:
    """The bank of `tests.busy_bank`, where 10,000 USD or more wait for a second person.

    Served as by `make run`; with `at`, a moment in ISO 8601, its clock is set to that. Raises
    RuntimeError as `demo_bank` does.
    """
    with bank_folder() as (folder, environment):
        environment |= {
            "BANK_NAME": "Meridian Bank",
            "BANK_APPROVAL_THRESHOLDS": "USD:10000",
            "BANK_BACKDATE_DAYS": "10",
            "BUSY_BANK_AT": at,
        }
        filled = json.loads(_run(environment, "-m", "tests.busy_bank", "fill"))
        serve = ["-m", "tests.busy_bank", "serve"] if at else ["manage.py", "serve"]
        with served(environment, folder, *serve) as url:
            yield DemoBank(url=url, folder=folder, **filled)


@contextmanager
def bank_folder() -> Iterator[tuple[Path, dict[str, str]]]:
    """A data folder, and the environment of a bank in it."""
    with tempfile.TemporaryDirectory(prefix="bank-demo-") as folder:
        yield (
            Path(folder),
            os.environ
            | {
                "BANK_DATA_DIR": folder,
                "DATABASE_URL": "",
                "PORT": str(free_port()),
                "HOST": "127.0.0.1",
                "WEB_CONCURRENCY": "1",
                # Tests log in faster than people, all from one address.
                "BANK_THROTTLE_LOGIN_PER_MINUTE": "0",
            },
        )


def _manage(environment: dict[str, str], *words: str) -> str:
    return _run(environment, "manage.py", *words)


def _run(environment: dict[str, str], *words: str) -> str:
    """Runs the command and returns its output."""
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def served(environment: dict[str, str], folder: Path, *words: str) -> Iterator[str]:
    """Starts a server as `python` with these words, and gives its URL."""
    log, port = folder / "log", int(environment["PORT"])
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            wait_until_ready(port, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=STOP_SECONDS)
