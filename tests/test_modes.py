"""All that a bank writes is for its own user alone, whatever the umask of who starts it."""

import json
import os
import stat
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import image
from tests.container import free_port
from tests.crash.processes import eventually
from tests.scratch import empty_bank

START_SECONDS = 60


class Checkout:
    """The bank's files as git leaves them, `data` included, and commands that run there."""

    def __init__(self, folder: Path, umask: int, url: str) -> None:
        self.folder, self.umask = folder, umask
        image.copy_context(folder)
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "README.md").touch(0o644)
        self.data.chmod(0o755)
        # Nothing of the tests' own bank.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BANK_", "DJANGO_", "COV_", "COVERAGE_"))
        } | {
            "DATABASE_URL": url,
            "PORT": str(free_port()),
            "WEB_CONCURRENCY": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.brought = set(folder.rglob("*"))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=self.umask,
        )

    def run(self, *words: str) -> str:
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, f"{words}:\n{output}{errors}"
        return output

    @contextmanager
    def served(self, *words: str) -> Iterator[str]:
        process = self.start(*words)
        url = f"http://127.0.0.1:{self.environment['PORT']}/api/v1"
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(f"{url}/health/ready/"):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def made(self) -> dict[str, int]:
        """The permissions of all that was not brought, by path, and those of `data`."""
        found = [path for path in self.folder.rglob("*") if path not in self.brought]
        return {
            str(path.relative_to(self.folder)): stat.S_IMODE(path.lstat().st_mode)
            for path in [self.data, *found]
        }


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()  # noqa: S310
    except OSError:
        return False
    return True


def _post(url: str, token: str, body: Mapping[str, str]) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, str] = json.load(answer)
        return found


def _token(url: str, credentials: Mapping[str, str]) -> str:
    form = credentials | {
        "grant_type": "client_credentials",
        "scope": "accounts:write transactions:write",
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{url}/oauth/token/", body, timeout=60) as answer:  # noqa: S310
        token: str = json.load(answer)["access_token"]
        return token


def _work(checkout: Checkout, url: str) -> None:
    """What a bank does in a day, with a queue that works, and while it serves."""
    client = json.loads(
        checkout.run("manage.py", "create_api_client", "Till", "--user=susan", "--json")
    )
    token = _token(url, client)
    account = _post(f"{url}/accounts/", token, {"name": "Ada", "initial_balance": "5.00"})
    _post(f"{url}/accounts/{account['account_id']}/deposit/", token, {"amount": "2.50"})
    batch = checkout.folder / "inbox" / "batch.csv"
    batch.parent.mkdir()
    batch.write_text(f"type,account_id,amount\nDEPOSIT,{account['account_id']},1.00\n")
    checkout.brought |= {batch, batch.parent}
    checkout.run("manage.py", "post_batch", str(batch))
    checkout.run("manage.py", "archive_transactions", "--keep-last=1")
    checkout.run("manage.py", "export_data")
    checkout.run("deploy/backups.py", "backup", str(checkout.folder / "backups"))


def _require_own(checkout: Checkout, made: dict[str, int]) -> None:
    wrong = {
        path: f"{mode:04o}"
        for path, mode in made.items()
        if mode != (0o700 if (checkout.folder / path).is_dir() else 0o600)
    }
    assert wrong == {}


@pytest.mark.django_db
def test_nobody_else_reads_what_a_run_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "bank").mkdir()
    with empty_bank(tmp_path / "scratch") as scratch:
        checkout = Checkout(tmp_path / "bank", 0o000, scratch.environment["DATABASE_URL"])
        checkout.run("manage.py", "migrate", "--verbosity=0")
        checkout.run("manage.py", "setup_demo")
        with checkout.served("manage.py", "serve") as url:
            _work(checkout, url)
            made = checkout.made()  # Some of it is there only while it serves.
        made |= checkout.made()
    _require_own(checkout, made)
    with capsys.disabled():
        print(f"\n{len(made)} files and folders are the bank's own")
    names = {Path(path).name for path in made}
    assert {
        "secret_key",
        "archived_transactions.csv",
        "manifest.json",
        "batch.csv.results",
    } <= names
    assert len(made) >= 15


@pytest.mark.sqlite
def test_nor_what_gunicorn_makes_by_itself(tmp_path: Path) -> None:
    """SQLite makes a file where it looks for one, before there is a bank."""
    checkout = Checkout(tmp_path, 0o022, "")
    database = checkout.data / "bank.sqlite3"
    process = checkout.start("-m", "gunicorn", "--config=python:bankproject.gunicorn_conf")
    try:
        eventually(database.exists)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    made = checkout.made()
    _require_own(checkout, made)
    assert {"data", "data/bank.sqlite3", "data/secret_key"} <= made.keys()
