"""A real Prometheus beside a served bank: each expression has a value, and faults are noticed.

Each alert of FAULTS fires here, and the others in test_faults.py: a wrong name or label would leave
it silent for ever.
"""

import json
import math
from pathlib import Path

import pytest

from deploy.monitoring.boards.expressions import RATE
from deploy.monitoring.dashboards import DASHBOARDS, made
from tests.demo_bank import served
from tests.monitoring.faults import Load, damage, hold_locks
from tests.monitoring.prometheus import Prometheus, eventually, prometheus
from tests.monitoring.rules import needs_prometheus
from tests.monitoring.watched import SETTINGS, TOKEN, new_bank
from tests.operated import Client, OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, needs_prometheus]

FAULTS = {
    *("BankNotScraped", "BankWorkerStopped", "BankServerErrors", "BankQueueBehind"),
    *("BankVerificationOverdue", "BankBooksDamaged", "BankDatabaseDown", "BankLockWaits"),
}
# There is no standby here.
WITHOUT_VALUE = "bank_database_replication_lag_"


def _of_dashboards() -> set[str]:
    return {
        target["expr"].replace(RATE, "30s")
        for name in DASHBOARDS
        for panel in json.loads(made(name))["panels"]
        for target in panel.get("targets", ())
    }


def _without_value(watch: Prometheus, expressions: set[str]) -> list[str]:
    return [one for one in expressions if all(map(math.isnan, watch.values(one)))]


def _require_values(watch: Prometheus, load: Load) -> None:
    left = {one for one in _of_dashboards() if WITHOUT_VALUE not in one}

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


def _sound_and_damaged_books(
    watch: Prometheus, bank: OperatedBank, server: PostgresqlServer, load: Load
) -> None:
    _require_firing(watch, "BankVerificationOverdue")
    load.round()
    bank.manage("verify_ledger")
    bank.manage("archive_transactions", "--keep-last", "1")
    _require_values(watch, load)
    eventually(lambda: not FAULTS & watch.firing(), "an alert without a fault")
    damage(server, load.damaged)
    code, out, _ = bank.run("manage.py", "verify_ledger")
    assert code == 1, out
    _require_firing(watch, "BankBooksDamaged")


def test_every_expression_has_a_value_and_faults_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    with postgresql_server(fsync=False) as server:
        bank, credentials = new_bank(tmp_path, server)
        environment = bank.environment() | SETTINGS
        target = f"127.0.0.1:{environment['PORT']}"
        with prometheus(tmp_path / "watch", target, TOKEN) as watch:
            with served(environment, tmp_path, "manage.py", "serve") as url:
                load = Load(Client(url, credentials))
                _sound_and_damaged_books(watch, bank, server, load)
                hold_locks(server, load)
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
