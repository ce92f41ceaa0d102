"""Jobs that are killed at every step, and done by two at once."""

import os
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account
from core.failpoints import FAILPOINTS
from jobs.models import JobRun
from seals import keys
from seals.models import Seal
from tests.concurrency.tally import Tally
from tests.crash.processes import Worker, Workers, eventually, is_stopped, workers
from tests.factories import ORIGIN, deposit, make_account
from transactions.commands import Deposit
from transactions.queue.acceptance import accept
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

# The step at which a process dies: the run's state and starts, and the seals by then.
POINTS = {
    "job.asked_for": ("WAITING", 0, 0),
    "job.claimed": ("RUNNING", 1, 0),
    "job.worked": ("RUNNING", 1, 1),
    "job.recorded": ("DONE", 1, 1),
}
# The same for a backup, with the files by then.
OF_BACKUPS = {"backup.began": 0, "backup.half_written": 0, "backup.written": 2}
LEASE_SECONDS = 0.3
DAY = date(2026, 1, 10)


def test_every_point_is_killed_below() -> None:
    points = [name for name in FAILPOINTS if name.startswith(("job.", "backup."))]
    assert points == [*POINTS, *OF_BACKUPS]


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")


@pytest.fixture(scope="module")
def job_workers(
    environment: dict[str, str], backups: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    more = {"BANK_BACKUP_DIR": str(backups)}
    with workers(environment | more, tmp_path_factory.mktemp("jobs")) as started:
        yield started


@pytest.fixture
def moved(environment: dict[str, str], settings: Any) -> Account:
    """An account to seal, and a key."""
    settings.DATA_DIR = Path(environment["BANK_DATA_DIR"])
    for path in settings.DATA_DIR.glob("seal*"):
        path.unlink()
    keys.make_key(keys.key_path())
    return make_account()


def run_job(workers: Workers, name: str, day: date, **options: Any) -> Worker:
    return workers.run("run_job", name, f"--date={day}", **options)


def repeat(workers: Workers, name: str, day: date) -> None:
    """Until it is done: at once only where no lease is left. It ends by itself."""
    eventually(lambda: run_job(workers, name, day).exit_code() == 0, seconds=60)


def days(points: dict[str, Any]) -> Iterator[tuple[str, date]]:
    for ahead, point in enumerate(points):
        yield point, DAY + timedelta(days=ahead)


def die(workers: Workers, name: str, day: date, point: str) -> JobRun:
    """The run of a process that died at this point."""
    killed = run_job(workers, name, day, failpoints=f"{point}=kill", lease_seconds=LEASE_SECONDS)
    assert killed.exit_code() == -signal.SIGKILL, killed.log.read_text()
    return JobRun.objects.get(date=day)


def test_killed_at_each_step_and_two_at_once(
    job_workers: Workers, moved: Account, tally: Tally
) -> None:
    """In the end, one process sleeps past its lease. It wakes after another, and ends nothing."""
    expected = 0
    for point, day in days(POINTS):
        outcome, attempts, seals = POINTS[point]
        deposit(moved, 1)
        run = die(job_workers, "seal_ledger", day, point)
        assert (run.outcome, run.attempts) == (outcome, attempts)
        assert Seal.objects.count() == expected + seals
        expected += 1
        repeat(job_workers, "seal_ledger", day)
        again = run_job(job_workers, "seal_ledger", day)
        assert (again.exit_code(), again.log.read_text()) == (0, f"{run} was done before.\n")
        run.refresh_from_db()
        assert (run.outcome, run.attempts) == ("DONE", attempts + (outcome != "DONE"))
        assert Seal.objects.count() == expected
        tally.add("job runs killed")
    deposit(moved, 1)
    day = DAY - timedelta(days=1)
    first = run_job(
        job_workers,
        "seal_ledger",
        day,
        failpoints="job.worked=stop",
        lease_seconds=LEASE_SECONDS,
    )
    eventually(lambda: is_stopped(first.pid))
    repeat(job_workers, "seal_ledger", day)
    ended = JobRun.objects.get(date=day)
    first.resume()
    assert first.exit_code() in (0, 143)  # Done, by the other; or stopped by its own heartbeat.
    assert JobRun.objects.get(date=day).ended_at == ended.ended_at
    assert Seal.objects.count() == expected + 1
    assert verify().ok


def test_a_backup_is_there_whole_or_not_at_all(
    job_workers: Workers, backups: Path, tally: Tally
) -> None:
    for point, day in days(OF_BACKUPS):
        run = die(job_workers, "backup", day, point)
        names = f"bank-{day:%Y%m%d}.*"
        assert len(list(backups.glob(names))) == OF_BACKUPS[point]
        repeat(job_workers, "backup", day)
        file, digest = sorted(backups.glob(names))
        assert digest.name == f"{file.name}.sha256"
        assert list(backups.glob("*.unfinished")) == []
        run.refresh_from_db()
        assert run.detail["is_new"] is (point != "backup.written")
        tally.add("job runs killed")


def test_a_worker_goes_on_with_money_while_a_job_hangs_and_dies(
    environment: dict[str, str], tmp_path: Path, moved: Account, tally: Tally
) -> None:
    """A scheduled run sleeps in its process. Then that one is killed, and another does the work."""
    fuses = tmp_path / "fuses"
    fuses.mkdir()
    (fuses / "job.claimed").touch()
    more = {
        "BANK_JOBS": "seal_ledger@00:00",
        "BANK_FAILPOINTS": "job.claimed=stop",
        "BANK_FAILPOINT_FUSES": str(fuses),
    }
    with workers(environment | more, tmp_path) as queue_workers:
        worker = queue_workers.start()
        run = eventually(lambda: JobRun.objects.filter(outcome="RUNNING").first())
        pid = int(run.worker.partition(":")[2])
        eventually(lambda: is_stopped(pid))
        accept([Deposit(account_id=moved.pk, amount=Decimal(3))], ORIGIN)
        eventually(lambda: Account.objects.get(pk=moved.pk).balance == 3)
        os.kill(pid, signal.SIGKILL)
        tally.add("job runs killed")
        eventually(lambda: JobRun.objects.filter(outcome="DONE").exists())
        assert JobRun.objects.get().attempts == 2
        assert Seal.objects.get().entries == 1
        worker.kill()
