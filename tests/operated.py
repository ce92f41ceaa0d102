"""A bank as its operator runs it: commands, a server, a data folder; on PostgreSQL two roles.

The database is of the same kind as in this test run. Tests can lose it and get an empty one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from tests import http
from tests.demo_bank import served
from tests.http import free_port
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.postgresql_roles import make_roles

ROOT = Path(__file__).resolve().parent.parent
COMMAND_SECONDS = 300
_SCOPES = (
    "accounts:read accounts:write transactions:read transactions:write events:read webhooks:write"
)


class Client:
    """The API of a served bank, with a token."""

    def __init__(self, url: str, credentials: dict[str, str]) -> None:
        self._url = f"{url}/api/v1/"
        form = {"grant_type": "client_credentials", "scope": _SCOPES}
        status, text = http.post_form(
            f"{self._url}oauth/token/",
            form | {name: credentials[name] for name in ("client_id", "client_secret")},
        )
        assert status == 200, text
        self._bearer = {"Authorization": f"Bearer {json.loads(text)['access_token']}"}

    def get(self, path: str) -> Any:
        status, text = http.get(self._url + path, **self._bearer)
        assert status == 200, text
        return json.loads(text)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and body of any response; status 0 without one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, text = http.post(self._url + path, body, **self._bearer, **named)
        return status, json.loads(text) if status else text

    def all_of(self, path: str) -> list[dict[str, Any]]:
        """The rows of all pages of a list, newest first."""
        page = self.get(path)
        found: list[dict[str, Any]] = page["results"]
        while page["next"]:
            status, text = http.get(page["next"], **self._bearer)
            assert status == 200, text
            page = json.loads(text)
            found += page["results"]
        return found


class OperatedBank:
    """`data` is the data folder. Commands run as `bank_app` unless `role` is the owner."""

    def __init__(self, folder: Path, server: PostgresqlServer | None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        self._server = server
        self._urls = {"owner": "", "app": ""}
        if server is not None:
            self._urls["owner"], self._urls["app"] = make_roles(server)

    def environment(self, role: str = "app") -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self._urls[role],
            "BANK_DATA_DIR": str(self.data),
            "DJANGO_SECRET_KEY": "only for tests, only for tests, only for tests, 0123456789",
            "PORT": str(free_port()),
            "HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1",
        }

    def run(self, *words: str, role: str = "app", **more: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of `python` with these arguments."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment(role) | more,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def manage(self, *words: str, role: str = "app", **more: str) -> str:
        """Standard output of a management command, which must succeed."""
        code, out, err = self.run("manage.py", *words, role=role, **more)
        assert code == 0, f"{words}: {code}\n{out}{err}"
        return out

    def summary(self, *words: str, role: str = "app") -> dict[str, Any]:
        """The JSON result of a command."""
        found: dict[str, Any] = json.loads(self.manage(*words, role=role).splitlines()[-1])
        return found

    def migrate(self) -> None:
        """As in docs/operations.md: on PostgreSQL the owner's step, which also grants rights."""
        words = ("deploy/migrate.py",) if self._server else ("manage.py", "migrate")
        code, out, err = self.run(*words, role="owner")
        assert code == 0, out + err

    def lose_database(self) -> None:
        """Deletes the database; on PostgreSQL an empty one of the same name replaces it."""
        if self._server is None:
            for path in self.data.glob("bank.sqlite3*"):
                path.unlink()
            return
        with psycopg.connect(self._server._url("postgres"), autocommit=True) as server:
            server.execute("DROP DATABASE bank WITH (FORCE)")
            server.execute("CREATE DATABASE bank OWNER bank_owner")
            server.execute("REVOKE ALL ON DATABASE bank FROM PUBLIC")
            server.execute("GRANT CONNECT ON DATABASE bank TO bank_app")

    @contextmanager
    def served(self, username: str) -> Iterator[Client]:
        """Serves the bank with its worker; gives a client that acts as a new superuser."""
        password = {"DJANGO_SUPERUSER_PASSWORD": "only-for-tests-4711"}
        named = ("--username", username, "--email", "", "--noinput")
        self.manage("createsuperuser", *named, **password)
        client = self.summary("create_api_client", "Traffic", "--user", username, "--json")
        with served(self.environment(), self.folder, "manage.py", "serve") as url:
            yield Client(url, client)

    def require_true_books(self) -> None:
        """Asserts that `verify_ledger` and `verify_archive` find nothing."""
        for command in ("verify_ledger", "verify_archive"):
            report = self.summary(command, "--json")
            assert report["ok"], report


@contextmanager
def operated_bank(folder: Path) -> Iterator[OperatedBank]:
    """A bank that is only migrated. Skips the test if PostgreSQL has no psql."""
    if connection.vendor == "sqlite":
        bank = OperatedBank(folder, None)
        bank.migrate()
        yield bank
        return
    with postgresql_server(fsync=False) as server:
        bank = OperatedBank(folder, server)
        bank.migrate()
        yield bank
