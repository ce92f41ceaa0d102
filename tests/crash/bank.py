"""A separate bank whose processes may be killed, and the proof that it kept its promises."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Protocol

import psycopg

from tests.concurrency import bank as concurrency
from tests.concurrency.client import Client
from tests.concurrency.model import violations
from tests.concurrency.tally import Tally
from tests.crash.load import Load
from tests.crash.processes import PATIENCE_SECONDS, ROOT, Workers, eventually, workers
from tests.crash.web import WebServer, web_server

ACCOUNTS = 8
OPENING_BALANCE = "300.00"

_TOKEN = (
    "import django; django.setup();"
    "from tests.concurrency.bank import supervisor_token; print(supervisor_token())"
)
_OPEN = "SELECT count(*) FROM transactions_transaction WHERE status IN ('PENDING', 'PROCESSING')"
_KEYS = "SELECT idempotency_key, status FROM transactions_transaction WHERE idempotency_key <> ''"
_OUTCOMES = """
    SELECT count(*), count(DISTINCT transaction_id) FROM transactions_transactionevent
    WHERE to_status IN ('COMPLETED', 'FAILED')"""
_LEASES_LOST = "SELECT count(*) FROM transactions_transactionevent WHERE event = 'LEASE_LOST'"


class Server(Protocol):
    """A server of PostgreSQL, or several that are one."""

    @property
    def url(self) -> str: ...


@dataclass(slots=True)
class Bank:
    """A served bank. `server` is None on SQLite. `workers` starts queue workers; none runs yet."""

    environment: dict[str, str]
    folder: Path
    server: Server | None
    web: WebServer
    workers: Workers
    token: str

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        if self.server is not None:
            with psycopg.connect(self.server.url) as connection:
                return connection.execute(statement).fetchall()
        connection = sqlite3.connect(self.folder / "bank.sqlite3", timeout=30)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def load(self, tally: Tally) -> Load:
        """Opens accounts for a load of customers, which is not started yet."""
        client = Client(self.web.port, self.token)
        opening = {"name": "Ada Lovelace", "currency": "USD", "initial_balance": OPENING_BALANCE}
        opened = [client.post("accounts/", opening) for _ in range(ACCOUNTS)]
        account_ids = [answer.body["account_id"] for answer in opened]
        return Load(self.web.port, self.token, account_ids, tally)

    def drain(self) -> None:
        eventually(lambda: self.query(_OPEN) == [(0,)])

    def prove(self, load: Load, tally: Tally) -> None:
        """Asserts that each promise was kept, each key has one effect, and the ledger is right."""
        stored = dict(self.query(_KEYS))
        assert len(self.query(_KEYS)) == len(stored), "A key has two transactions."
        assert stored.keys() == load.promises.keys()
        client = Client(self.web.port, self.token)
        history = concurrency.Bank(client, Random(), tally).history()  # noqa: S311 - not drawn from
        transactions = {one["transaction_id"]: one for one in history.transactions}
        self._require_promises(load, stored, transactions, tally)
        # The bank gives up a command after several workers have died with it.
        given_up = {
            one["transaction_id"]
            for one in history.transactions
            if (one["failure"] or {}).get("code") == "processing_error"
        }
        explained = [one for one in history.transactions if one["transaction_id"] not in given_up]
        assert violations(replace(history, transactions=explained)) == []
        tally.add("given up after five lost leases", len(given_up))
        tally.add("leases recovered", self.query(_LEASES_LOST)[0][0])
        manage(self.environment, "verify_ledger", "--json")
        tally.add("ledgers verified")

    def _require_promises(
        self,
        load: Load,
        stored: dict[str, str],
        transactions: dict[str, dict[str, Any]],
        tally: Tally,
    ) -> None:
        promised = {answer.body["transaction_id"] for _, answer in load.promises.values()}
        assert len(promised) == len(load.promises)
        # Only the opening balances have no key.
        assert len(transactions) == len(promised) + ACCOUNTS
        queued = 0
        for request, answer in load.promises.values():
            transaction = transactions[answer.body["transaction_id"]]
            assert transaction["amount"] == request.body["amount"]
            assert transaction["status"] == stored[request.key]
            expected = {
                200: {"COMPLETED"},
                202: {"COMPLETED", "FAILED"},
            }.get(answer.status, {"FAILED"})
            assert transaction["status"] in expected, (request, answer, transaction)
            queued += request.queued
            tally.add("accepted")
            tally.add(transaction["status"].lower())
        # A direct command has its outcome in its row; a queued one has exactly one event for it.
        assert self.query(_OUTCOMES) == [(queued, queued)]


def manage(environment: dict[str, str], *words: str) -> str:
    return _python(environment, "manage.py", *words)


def _python(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{words}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@contextmanager
def bank(folder: Path, server: Server | None, *, owner_url: str = "") -> Iterator[Bank]:
    """A migrated and served bank on this server, or on SQLite.

    `owner_url` is that of `bank_owner` where the server's own URL is that of `bank_app`.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    environment = inherited | {
        "DJANGO_SETTINGS_MODULE": "bankproject.settings",
        "DJANGO_SECRET_KEY": "only for tests, only for tests, only for tests, 0123456789",
        "DATABASE_URL": server.url if server else "",
        "BANK_DATA_DIR": str(folder),
        "BANK_LOG_FORMAT": "console",
        "BANK_LOCK_TIMEOUT_SECONDS": "2",
        "BANK_TOKEN_LIFETIME_SECONDS": "86400",
        "BANK_WORKER_LEASE_SECONDS": "1",
    }
    if owner_url:
        _python(environment | {"DATABASE_URL": owner_url}, "deploy/migrate.py")
    else:
        manage(environment, "migrate", "--verbosity=0")
    token = _python(environment, "-c", _TOKEN).strip()
    with (
        web_server(environment, folder, fused=False) as web,
        workers(environment, folder) as started,
    ):
        yield Bank(environment, folder, server, web, started, token)
