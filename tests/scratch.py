"""Separate banks for tests that migrate, kill or run processes against one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
# Allows for a process that shares its processor with many others.
TIMEOUT_SECONDS = 180


class Bank:
    """A database of the same kind as in this test run, for use by processes."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        self.environment = os.environ | {
            "DATABASE_URL": url,
            "BANK_DATA_DIR": str(folder),
            "DJANGO_SECRET_KEY": "only for tests, only for tests, only for tests, 0123456789",
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts `python` with these arguments, in this bank's environment."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kills processes left by a failed test."""
        for process in self._started:
            with process:
                process.kill()

    def manage(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Exit code and output of a management command."""
        return finish(self.start("manage.py", *arguments, **environment))


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, output


@contextmanager
def empty_bank(folder: Path) -> Iterator[Bank]:
    if connection.vendor == "sqlite":
        with _bank(folder, "") as bank:
            yield bank
        return
    with _database() as name, _bank(folder, _url_of(name)) as bank:
        yield bank


@contextmanager
def migrated_bank(folder: Path) -> Iterator[Bank]:
    """A copy of pytest's migrated database, which nothing else may use meanwhile."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        shutil.copy(name, folder / "bank.sqlite3")
        with _bank(folder, "") as bank:
            yield bank
        return
    connection.close()
    with _database(template=name) as copy, _bank(folder, _url_of(copy)) as bank:
        yield bank


@contextmanager
def _bank(folder: Path, url: str) -> Iterator[Bank]:
    bank = Bank(folder, url)
    try:
        yield bank
    finally:
        bank.end()


@contextmanager
def _database(template: str = "template1") -> Iterator[str]:
    name = f"test_scratch_{uuid4().hex}"
    with _server() as server:
        server.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        try:
            yield name
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def plain_parameters() -> dict[str, Any]:
    """psycopg's parameters for the test database, without the bank's options."""
    parameters = connection.get_connection_params()
    return {key: parameters[key] for key in _PLAIN_PARAMETERS & parameters.keys()}


_PLAIN_PARAMETERS = {"dbname", "host", "port", "user", "password"}


def _server() -> psycopg.Connection[Any]:
    return psycopg.connect(**plain_parameters() | {"dbname": "postgres"}, autocommit=True)


def _url_of(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
