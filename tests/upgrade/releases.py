"""The code of the previous release, from the history, and processes of either release."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import NO_UPGRADE
from tests.history import NotInHistory, extract
from tests.http import free_port, get

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE_BEFORE = Path(__file__).with_name("release_before.txt")
PATIENCE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Release:
    """`folder` has the code, and `environment` is that of a bank."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, fails: bool = False, **variables: str) -> str:
        """The output of `python words`. The command must succeed, or fail if `fails`."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout

    @contextmanager
    def served(self, **variables: str) -> Iterator["Server"]:
        """Runs `manage.py serve`; gives it once it is ready, and ends it with SIGTERM."""
        port = free_port()
        log = Path(self.environment["BANK_DATA_DIR"]) / f"serve-{port}.log"
        variables |= {"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2"}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=self.folder,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = Server(f"http://127.0.0.1:{port}/api/v1/", process, log)
        try:
            server.wait_until_ready()
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)
        assert process.returncode == 0, log.read_text()


@dataclass(frozen=True, slots=True)
class Server:
    """`url` is that of the API, with a slash at the end."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def readiness(self) -> tuple[int, str]:
        return get(f"{self.url}health/ready/")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.readiness()[0] != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def web_workers(self) -> set[int]:
        children = psutil.Process(self.process.pid).children()
        return {
            child.pid
            for child in children
            if child.status() != psutil.STATUS_ZOMBIE
            and "process_transactions" not in child.cmdline()
        }


def code_of_the_release_before(folder: Path) -> Path:
    """Extracts the files into `folder`. Skips the test loudly if the history is too short."""
    commit = RELEASE_BEFORE.read_text("ascii").split()[0]
    try:
        extract(commit, folder)
    except NotInHistory as error:
        pytest.skip(f"{NO_UPGRADE}: {error}")
    return folder


def environment_of(data: Path, **variables: str) -> dict[str, str]:
    """The environment of a separate bank: the caller's paths, and none of its settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"BANK_DATA_DIR": str(data), "DJANGO_SECRET_KEY": "n0t-a-secret-" * 5} | variables


def client_of(release: Release) -> dict[str, str]:
    """The name and secret of a new API client that acts as a supervisor of the demo."""
    words = ("manage.py", "create_api_client", "Upgrade", "--user", "susan", "--json")
    client: dict[str, str] = json.loads(release.run(*words).strip().splitlines()[-1])
    return client


def objects_of(release: Release) -> dict[str, dict[str, str]]:
    """Each guard and view of this code: its text on SQLite, its digest on PostgreSQL.

    `definition` is the statement that creates it on PostgreSQL, without a trigger's function.
    """
    printed = release.run("-c", _OBJECTS)
    objects: dict[str, dict[str, str]] = json.loads(
        re.findall(r"^\{.*\}$", printed, re.MULTILINE)[-1]
    )
    return objects


# It uses only what 1.0.0 has too.
_OBJECTS = """
import hashlib, json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "bankproject.settings"
import django
django.setup()
from django.apps import apps
items = [o for c in apps.get_app_configs() for o in getattr(c, "database_objects", ())]
def digest(item):
    text = item.statement("postgresql") + item.function_body
    return hashlib.sha256(text.encode()).hexdigest() if item.statement("postgresql") else ""
print(json.dumps({
    item.name: {
        "sqlite": item.statement("sqlite"),
        "postgresql": digest(item),
        "kind": item.kind,
        "definition": item.statement("postgresql"),
        "since": getattr(item, "since", 1),
        "replaces": getattr(item, "replaces", ""),
    }
    for item in items
}))
"""
