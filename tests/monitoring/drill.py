"""Makes each fault that has an alert, and measures the time until Prometheus fires.

    python -m tests.monitoring.drill [--only overdue|faults] [--pictures FOLDER]

Everything is as committed: Prometheus scrapes every 15 s, and each alert waits as long as it says.
So it takes 25 minutes, and 15 for what is overdue. Prints rows of the table in docs/operations.md,
and keeps pictures of Prometheus and of the console if asked for a folder. Needs root, for a full
disk.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.demo_bank import served
from tests.monitoring import pictures
from tests.monitoring.faults import (
    ARCHIVE_RUNS,
    VERIFICATIONS,
    Load,
    age,
    age_jobs,
    age_seals,
    crowd,
    damage,
    delay_delivery,
    fullness,
    hold_locks,
)
from tests.monitoring.files import alerts
from tests.monitoring.prometheus import Prometheus, prometheus
from tests.monitoring.watched import JOBS, SETTINGS, TOKEN, new_bank, replica_not_there
from tests.operated import Client, OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.small_disk import small_disk
from tests.standby import standby_of

DISK_MEGABYTES = 64
_LOOK_SECONDS = 1.0
# Beyond the time for which an expression must hold.
_PATIENCE_SECONDS = 900


@dataclass
class Drill:
    """What Prometheus says of the bank that it watches. `began` has the start of each fault."""

    watch: Prometheus
    began: dict[str, tuple[str, float]] = field(default_factory=dict)

    def fault(self, alert: str, what: str) -> None:
        """The fault of this alert is there from now on. Told once it fires."""
        assert alert in alerts()
        self.began[alert] = what, time.monotonic()

    def wait(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Returns once all of them have fired, with a row of the table for each."""
        until = time.monotonic() + 3600 + _PATIENCE_SECONDS
        while self.began:
            for alert in self.watch.firing() & self.began.keys():
                what, at = self.began.pop(alert)
                print(f"| {alert} | {what} | {_shown(time.monotonic() - at)} |", flush=True)
            assert time.monotonic() < until, f"These do not fire: {sorted(self.began)}"
            meanwhile()
            time.sleep(_LOOK_SECONDS)


def _shown(seconds: float) -> str:
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def overdue(folder: Path) -> None:
    """What nobody has done for long. A standby whose lag the bank may not see waits beside it."""
    with postgresql_server(fsync=False) as server, standby_of(server):
        bank, credentials = new_bank(folder, server)
        with (
            _watched(bank, folder) as (drill, environment),
            served(
                environment | JOBS | _without_replica(environment), folder, "manage.py", "serve"
            ) as url,
        ):
            drill.fault("BankReadsOnPrimary", "nothing answers at `BANK_REPLICA_URL`")
            drill.fault("BankReplicaLagUnknown", "the bank's role lacks `pg_read_all_stats`")
            Load(Client(url, credentials)).round()
            bank.manage("verify_ledger")
            age(server, VERIFICATIONS)
            drill.fault("BankVerificationOverdue", "the last `verify_ledger` ended 4 days ago")
            bank.manage("archive_transactions", "--keep-last", "1")
            path = bank.data / "archived_transactions.csv"
            path.write_bytes(path.read_bytes()[:-10])
            age(server, ARCHIVE_RUNS)
            drill.fault("BankArchiveOverdue", "the archive's file has been damaged for 4 days")
            bank.manage("seal_ledger", "--new-key")
            bank.manage("seal_ledger")
            Load(Client(url, credentials)).round()
            age_seals(server)
            drill.fault("BankSealOverdue", "the last seal and the entries after it are 4 days old")
            age_jobs(server)
            delay_delivery(server)
            drill.fault("BankWebhooksBehind", "a delivery has waited for two hours")
            drill.fault("BankJobOverdue", "the last run of `delete_expired` was 4 days ago")
            drill.wait()


def _without_replica(environment: dict[str, str]) -> dict[str, str]:
    url, _ = replica_not_there(environment)
    return {"BANK_REPLICA_URL": url}


def faults(folder: Path, folder_of_pictures: Path | None) -> None:
    """All others, some of them at the same time."""
    began = time.monotonic()
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server(fsync=False))
        bank, credentials = new_bank(folder, server)
        stack.enter_context(small_disk(bank.data, megabytes=DISK_MEGABYTES))
        _let_see_standbys(server)
        drill, environment = stack.enter_context(_watched(bank, folder))
        with standby_of(server) as standby:
            with served(environment, folder, "manage.py", "serve") as url:
                load = Load(Client(url, credentials))
                load.round()
                bank.manage("verify_ledger")
                time.sleep(60)  # Something to compare with, for the eye and for `rate`.
                drill.fault("BankReplicaBehind", "the standby has stopped applying the log")
                standby.pause()
                _under_load(drill, server, bank, load)
                standby.resume()
            _without_worker(drill, environment, folder, load, standby.stop)
        drill.wait()
        # A server with a long queue is not ready.
        bank.manage("process_transactions", "--once")
        with served(environment, folder, "manage.py", "serve"):
            load.round()
            if folder_of_pictures is not None:
                pictures.of_console(url, folder_of_pictures)
            server.stop("fast")
            drill.fault("BankDatabaseDown", "PostgreSQL is stopped")
            drill.fault("BankServerErrors", "PostgreSQL is stopped, and clients go on")
            drill.wait(load.round)
            if folder_of_pictures is not None:
                minutes = round((time.monotonic() - began) / 60)
                pictures.of_prometheus(drill.watch.url, folder_of_pictures, minutes)


def _under_load(drill: Drill, server: PostgresqlServer, bank: OperatedBank, load: Load) -> None:
    over = threading.Event()

    def hold() -> None:
        while not over.is_set():
            hold_locks(server, load)

    with fullness(bank.data), crowd(load):
        drill.fault("BankDiskNearlyFull", "a file fills the disk to nine tenths")
        drill.fault(
            "BankContentionRetries",
            "many move money of one account, `BANK_ISOLATION_LEVEL=serializable`",
        )
        holder = threading.Thread(target=hold)
        holder.start()
        drill.fault("BankLockWaits", "a session keeps an account locked, again and again")
        damage(server, load.damaged)
        code, out, _ = bank.run("manage.py", "verify_ledger")
        assert code == 1, out
        drill.fault("BankBooksDamaged", "a superuser changes a balance; `verify_ledger` runs")
        drill.wait(load.round)
        over.set()
        holder.join()


def _without_worker(
    drill: Drill,
    environment: dict[str, str],
    folder: Path,
    load: Load,
    stop_standby: Callable[[], None],
) -> None:
    with served(environment, folder, "manage.py", "serve", "--without-worker"):
        load.round()
        drill.fault("BankWorkerStopped", "the server has no worker")
        drill.fault("BankQueueBehind", "the queue has no worker")
        stop_standby()
        drill.fault("BankReplicaGone", "the standby is stopped")
        drill.wait()
        drill.fault("BankNotScraped", "the server is stopped")


def _let_see_standbys(server: PostgresqlServer) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("GRANT pg_read_all_stats TO bank_app")


@contextmanager
def _watched(bank: OperatedBank, folder: Path) -> Iterator[tuple[Drill, dict[str, str]]]:
    environment = bank.environment() | SETTINGS
    environment |= {"BANK_ISOLATION_LEVEL": "serializable", "BANK_ARCHIVE_AFTER_DAYS": "1"}
    place = folder / "watch"
    place.mkdir()
    targets = {"web": f"127.0.0.1:{environment['PORT']}"}
    with prometheus(place, targets, TOKEN, hurried=False) as watch:
        yield Drill(watch), environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.monitoring.drill")
    parser.add_argument("--only", choices=("overdue", "faults"))
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.only != "overdue":
        with tempfile.TemporaryDirectory() as folder:
            faults(Path(folder), options.pictures)
    if options.only != "faults":
        with tempfile.TemporaryDirectory() as folder:
            overdue(Path(folder))


if __name__ == "__main__":
    main()
