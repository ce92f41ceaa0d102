"""A real Prometheus beside a served bank: each expression has a value, and faults are noticed.

An alert whose fault is made here must fire. The expression of each other one is evaluated without
its threshold, and must have a value: a wrong name or label would leave it silent for ever.
"""

import json
import math
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.monitoring.boards.expressions import RATE
from deploy.monitoring.dashboards import DASHBOARDS, made
from tests.demo_bank import served
from tests.monitoring.prometheus import Prometheus, eventually, prometheus
from tests.monitoring.rules import alerts, needs_prometheus
from tests.operated import Client, OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, needs_prometheus]

TOKEN = "only-for-tests-0123456789-0123456789"
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "BANK_METRICS_TOKEN": TOKEN,
    "BANK_METRICS_INTERVAL_SECONDS": "1",
}
FAULTS = {
    *("BankNotScraped", "BankWorkerStopped", "BankServerErrors", "BankQueueBehind"),
    *("BankVerificationOverdue", "BankBooksDamaged", "BankDatabaseDown", "BankLockWaits"),
}
# There is no standby here.
WITHOUT_VALUE = "bank_database_replication_lag_"
# The alert is about more than five.
LONG_WAITS = 9
_THRESHOLD = re.compile(r"\s+(==|<|>)\s+[0-9.]+$")


class Load:
    """Movements of each kind, from one caller: some are refused, some repeated, some queued."""

    def __init__(self, client: Client) -> None:
        self._client = client
        body = {"name": "Ada Lovelace", "initial_balance": "20.00"}
        accounts = [client.post("accounts/", body) for _ in range(3)]
        assert {status for status, _ in accounts} == {201}, accounts
        self.first, self._second = (one["account_id"] for _, one in accounts[:2])
        self.damaged = accounts[2][1]["account_id"]

    def round(self) -> None:
        key = secrets.token_hex(8)
        for _ in range(2):
            self._post("deposit", {"amount": "1.10"}, Idempotency_Key=key)
        self._post("withdraw", {"amount": "9000"})
        self._post("transfer", {"amount": "0.10", "target_account_id": self._second})
        self._post("deposit", {"amount": "0.30"}, Prefer="respond-async")
        self._post("withdraw", {"amount": "9000"}, Prefer="respond-async")

    def deposit(self) -> None:
        self._post("deposit", {"amount": "0.10"})

    def _post(self, what: str, body: Any, **headers: str) -> None:
        self._client.post(f"accounts/{self.first}/{what}/", body, **headers)


def _of_dashboards() -> set[str]:
    return {
        target["expr"].replace(RATE, "30s")
        for name in DASHBOARDS
        for panel in json.loads(made(name))["panels"]
        for target in panel.get("targets", ())
    }


def _of_other_alerts() -> set[str]:
    found = {name: rule["expr"] for name, rule in alerts().items() if name not in FAULTS}
    assert all(_THRESHOLD.search(expression) for expression in found.values())
    return {_THRESHOLD.sub("", expression) for expression in found.values()}


def _without_value(watch: Prometheus, expressions: set[str]) -> list[str]:
    return [one for one in expressions if all(map(math.isnan, watch.values(one)))]


def _require_values(watch: Prometheus, load: Load) -> None:
    known = _of_dashboards() | _of_other_alerts()
    left = {one for one in known if WITHOUT_VALUE not in one}

    def all_have() -> bool:
        nonlocal left
        load.round()
        left = set(_without_value(watch, left))
        return not left

    try:
        eventually(all_have, "some expressions have no value")
    except AssertionError:
        pytest.fail(f"no value: {left}")


def _require_firing(watch: Prometheus, name: str, load: Load | None = None) -> None:
    def fires() -> bool:
        if load is not None:
            load.round()
        return name in watch.firing()

    eventually(fires, f"{name} does not fire")


def _damage(server: PostgresqlServer, account_id: str) -> None:
    """Changes a balance past all guards, as only a superuser can."""
    with psycopg.connect(server.url) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = connection.execute(
            "UPDATE accounts_account SET balance = balance + 1 WHERE id = %s", [account_id]
        )
        assert changed.rowcount == 1


def _hold_locks(server: PostgresqlServer, load: Load) -> None:
    """Several deposits wait longer than a second for an account that somebody else has locked."""
    with ThreadPoolExecutor(1) as pool:
        for _ in range(LONG_WAITS):
            with psycopg.connect(server.url) as connection:
                held = "SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE"
                connection.execute(held, [load.first])
                waiting = pool.submit(load.deposit)
                eventually(lambda c=connection: _somebody_waits(c), "no deposit waits")
                time.sleep(1.2)
            waiting.result()


def _somebody_waits(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


def _sound_and_damaged_books(
    watch: Prometheus, bank: OperatedBank, server: PostgresqlServer, load: Load
) -> None:
    _require_firing(watch, "BankVerificationOverdue")
    load.round()
    bank.manage("verify_ledger")
    bank.manage("archive_transactions", "--keep-last", "1")
    _require_values(watch, load)
    eventually(lambda: not FAULTS & watch.firing(), "an alert without a fault")
    _damage(server, load.damaged)
    code, out, _ = bank.run("manage.py", "verify_ledger")
    assert code == 1, out
    _require_firing(watch, "BankBooksDamaged")


def test_every_expression_has_a_value_and_faults_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    with postgresql_server(fsync=False) as server:
        bank = OperatedBank(tmp_path, server)
        bank.migrate()
        bank.manage(
            *("createsuperuser", "--username", "root", "--email", "", "--noinput"),
            DJANGO_SUPERUSER_PASSWORD="only-for-tests-4711",
        )
        made_client = bank.manage("create_api_client", "Load", "--user", "root", "--json")
        environment = bank.environment() | SETTINGS
        target = f"127.0.0.1:{environment['PORT']}"
        with prometheus(tmp_path / "watch", target, TOKEN) as watch:
            with served(environment, tmp_path, "manage.py", "serve") as url:
                load = Load(Client(url, json.loads(made_client)))
                _sound_and_damaged_books(watch, bank, server, load)
                _hold_locks(server, load)
                _require_firing(watch, "BankLockWaits")
            _require_firing(watch, "BankNotScraped")
            with served(environment, tmp_path, "manage.py", "serve", "--without-worker"):
                load.round()
                _require_firing(watch, "BankWorkerStopped")
                _require_firing(watch, "BankQueueBehind")
                server.stop("fast")
                _require_firing(watch, "BankDatabaseDown")
                _require_firing(watch, "BankServerErrors", load)
                eventually(lambda: "BankNotScraped" not in watch.firing(), "it is scraped again")
