"""Faults of standbys, of the archive, under load, and of the disk: each alert fires, and ends."""

from pathlib import Path

import psycopg
import pytest

from tests.conftest import NO_FULL_DISK
from tests.demo_bank import served
from tests.monitoring import test_prometheus
from tests.monitoring.faults import (
    ARCHIVE_RUNS,
    Load,
    age,
    age_jobs,
    age_seals,
    crowd,
    delay_delivery,
    end_delivery,
    fullness,
)
from tests.monitoring.files import alerts, expressions
from tests.monitoring.prometheus import Prometheus, eventually, prometheus
from tests.monitoring.rules import needs_prometheus
from tests.monitoring.watched import JOBS, SETTINGS, TOKEN, new_bank, replica_not_there
from tests.operated import Client, OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.small_disk import NoSmallDisk, small_disk
from tests.standby import standby_of

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, needs_prometheus]

DISK_MEGABYTES = 64
FAULTS = {
    *("BankReplicaBehind", "BankReplicaGone", "BankReplicaLagUnknown", "BankReadsOnPrimary"),
    *("BankArchiveOverdue", "BankSealOverdue", "BankJobOverdue", "BankWebhooksBehind"),
    *("BankContentionRetries", "BankDiskNearlyFull"),
}


def test_each_alert_has_a_fault_in_one_of_the_two_files() -> None:
    assert set(alerts()) == FAULTS | test_prometheus.FAULTS


def require(watch: Prometheus, name: str, *, firing: bool) -> None:
    problem = f"{name} {'does not fire' if firing else 'does not end'}"
    eventually(lambda: (name in watch.firing()) == firing, problem)


def _standby(watch: Prometheus, server: PostgresqlServer, load: Load, port: int) -> None:
    """The replica comes late, and the bank's role gets its right later; replay is paused; the
    standby goes away.
    """
    require(watch, "BankReadsOnPrimary", firing=True)
    with standby_of(server, port=port) as standby:
        require(watch, "BankReadsOnPrimary", firing=False)
        require(watch, "BankReplicaLagUnknown", firing=True)
        with psycopg.connect(server.url) as connection:
            connection.execute("GRANT pg_read_all_stats TO bank_app")
        require(watch, "BankReplicaLagUnknown", firing=False)
        of_standbys = {one for one in expressions() if test_prometheus.OF_STANDBYS in one}
        eventually(lambda: not watch.without_value(of_standbys), f"no value: {of_standbys}")
        standby.pause()
        load.round()
        require(watch, "BankReplicaBehind", firing=True)
        standby.resume()
        require(watch, "BankReplicaBehind", firing=False)
    require(watch, "BankReplicaGone", firing=True)


def _archive(watch: Prometheus, bank: OperatedBank, server: PostgresqlServer) -> None:
    """The archive ran once; its file is damaged, so later runs fail; then it is mended.

    The job of the bank has run at its start, and comes again tomorrow.
    """
    bank.manage("archive_transactions", "--keep-last", "1")
    path = bank.data / "archived_transactions.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    age(server, ARCHIVE_RUNS)
    code, _, said = bank.run("manage.py", "archive_transactions", "--keep-last", "0")
    assert code == 1, said
    require(watch, "BankArchiveOverdue", firing=True)
    path.write_bytes(whole)
    bank.manage("archive_transactions", "--keep-last", "0")
    require(watch, "BankArchiveOverdue", firing=False)


def _seals(watch: Prometheus, bank: OperatedBank, server: PostgresqlServer, load: Load) -> None:
    """The last seal is old, and so are the entries after it; then there is a new one."""
    bank.manage("seal_ledger", "--new-key")
    bank.manage("seal_ledger")
    load.round()
    age_seals(server)
    require(watch, "BankSealOverdue", firing=True)
    # The old one was changed, so its head is another: the file is written again.
    bank.manage("seal_ledger", "--rewrite-heads")
    bank.manage("seal_ledger")
    require(watch, "BankSealOverdue", firing=False)


def _jobs(watch: Prometheus, bank: OperatedBank, server: PostgresqlServer) -> None:
    """The worker has run its job at its start. That was four days ago, and so were movements."""
    age_jobs(server)
    require(watch, "BankJobOverdue", firing=True)
    for job in ("delete_expired", "archive_transactions"):
        bank.manage("run_job", job)
    require(watch, "BankJobOverdue", firing=False)


def test_standbys_the_archive_and_conflicts_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    with postgresql_server(fsync=False) as server:
        bank, credentials = new_bank(tmp_path, server)
        environment = bank.environment() | SETTINGS
        environment |= {"BANK_ISOLATION_LEVEL": "serializable", "BANK_ARCHIVE_AFTER_DAYS": "1"}
        environment |= JOBS
        environment["BANK_REPLICA_URL"], port = replica_not_there(environment)
        targets = {"web": f"127.0.0.1:{environment['PORT']}"}
        with (
            prometheus(tmp_path / "watch", targets, TOKEN) as watch,
            served(environment, tmp_path, "manage.py", "serve") as url,
        ):
            load = Load(Client(url, credentials))
            load.round()
            _standby(watch, server, load, port)
            _archive(watch, bank, server)
            _seals(watch, bank, server, load)
            _jobs(watch, bank, server)
            delay_delivery(server)
            require(watch, "BankWebhooksBehind", firing=True)
            end_delivery(server)
            require(watch, "BankWebhooksBehind", firing=False)
            with crowd(load):
                require(watch, "BankContentionRetries", firing=True)
            require(watch, "BankContentionRetries", firing=False)


def test_a_disk_that_fills_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    with postgresql_server(fsync=False) as server:
        bank, _ = new_bank(tmp_path, server)
        environment = bank.environment() | SETTINGS
        targets = {"web": f"127.0.0.1:{environment['PORT']}"}
        try:
            with (
                small_disk(bank.data, megabytes=DISK_MEGABYTES),
                prometheus(tmp_path / "watch", targets, TOKEN) as watch,
                served(environment, tmp_path, "manage.py", "serve"),
            ):
                eventually(lambda: bool(watch.values("bank_data_free_bytes")), "no room is shown")
                assert "BankDiskNearlyFull" not in watch.firing()
                with fullness(bank.data):
                    require(watch, "BankDiskNearlyFull", firing=True)
                require(watch, "BankDiskNearlyFull", firing=False)
        except NoSmallDisk:
            pytest.skip(NO_FULL_DISK)
