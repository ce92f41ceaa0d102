"""A real Prometheus beside a served bank: each expression has a value, and faults are noticed.

Each alert of FAULTS fires here, and the others in test_faults.py: a wrong name or label would leave
it silent for ever.
"""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.monitoring.boards.alerts import FIRING
from tests.crash.processes import started
from tests.demo_bank import served
from tests.http import free_port
from tests.monitoring.faults import VERIFICATIONS, Load, age, crowd, damage, hold_locks
from tests.monitoring.files import expressions
from tests.monitoring.prometheus import Prometheus, eventually, prometheus
from tests.monitoring.rules import needs_prometheus
from tests.monitoring.watched import JOBS, SETTINGS, TOKEN, WEBHOOKS, new_bank
from tests.operated import Client, OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server
from webhooks.tests.receiver import receiver

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, needs_prometheus]

FAULTS = {
    *("BankNotScraped", "BankWorkerStopped", "BankServerErrors", "BankQueueBehind"),
    *("BankVerificationOverdue", "BankBooksDamaged", "BankDatabaseDown", "BankLockWaits"),
}
# There is no standby here, so test_faults.py evaluates these.
OF_STANDBYS = "bank_database_replication_lag_"
# Nor a replica: tests/test_replica.py reads these.
OF_REPLICA = ("bank_replica_lag_seconds", "bank_replica_up")


def _require_values(watch: Prometheus, load: Load, asked: Collection[str]) -> None:
    """Each of the expressions has a value while several callers move money."""
    left = set(asked)
    assert left

    def all_have() -> bool:
        nonlocal left
        load.round()
        left = watch.without_value(left)
        return not left

    try:
        with crowd(load):
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
    bank.manage("verify_ledger")
    age(server, VERIFICATIONS)
    _require_firing(watch, "BankVerificationOverdue")
    elsewhere = (OF_STANDBYS, *OF_REPLICA)
    asked = {one for one in expressions() if not any(name in one for name in elsewhere)}
    of_alerts = {one for one in asked if FIRING in one}
    _require_values(watch, load, of_alerts)
    load.round()
    bank.manage("verify_ledger")
    bank.manage("archive_transactions", "--keep-last", "1")
    bank.manage("seal_ledger", "--new-key")
    bank.manage("seal_ledger")
    _require_values(watch, load, asked - of_alerts)
    eventually(lambda: not FAULTS & watch.firing(), "an alert without a fault")
    damage(server, load.damaged)
    code, out, _ = bank.run("manage.py", "verify_ledger")
    assert code == 1, out
    _require_firing(watch, "BankBooksDamaged")


@contextmanager
def _queue_worker(environment: dict[str, str], port: int, folder: Path) -> Iterator[None]:
    """A worker in a process of its own, as in compose, until the end of the block."""
    more = {"BANK_METRICS_PORT": str(port)}
    command = [sys.executable, "manage.py", "process_transactions"]
    with started(command, environment | more, folder / "worker.log"):
        yield


def test_every_expression_has_a_value_and_faults_are_noticed(tmp_path: Path) -> None:
    """The processes are those of compose: a web server without a worker, and a worker."""
    (tmp_path / "watch").mkdir()
    with postgresql_server(fsync=False) as server:
        bank, credentials = new_bank(tmp_path, server)
        environment = bank.environment() | SETTINGS | JOBS | WEBHOOKS
        worker = environment, free_port(), tmp_path
        ports = {"web": environment["PORT"], "worker": worker[1]}
        targets = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        with (
            receiver() as hook,
            prometheus(tmp_path / "watch", targets, TOKEN) as watch,
            served(environment, tmp_path, "manage.py", "serve", "--without-worker") as url,
        ):
            client = Client(url, credentials)
            assert client.post("webhooks/", {"url": hook.url})[0] == 201
            load = Load(client)
            with _queue_worker(*worker):
                _sound_and_damaged_books(watch, bank, server, load)
                hold_locks(server, load)
                _require_firing(watch, "BankLockWaits")
                assert watch.values('bank_queue_workers{queue_worker="elsewhere"}') == [0]
                assert watch.values('bank_queue_workers{service="worker"}') == [1]
            for name in ("BankWorkerStopped", "BankNotScraped", "BankQueueBehind"):
                _require_firing(watch, name, load)
            with _queue_worker(*worker):
                ended = {"BankWorkerStopped", "BankNotScraped"}
                eventually(lambda: not ended & watch.firing(), "the worker is not noticed")
                server.stop("fast")
                _require_firing(watch, "BankDatabaseDown")
                _require_firing(watch, "BankServerErrors", load)
