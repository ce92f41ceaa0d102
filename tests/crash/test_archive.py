"""Archive runs that are killed at every step, stopped, run at once, and killed while money moves.

In the end each transaction is archived once, and nothing else is in the file.
"""

import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Account
from core.errors import Busy
from core.failpoints import FAILPOINTS
from tests.concurrency.crowd import Thread
from tests.concurrency.tally import Tally
from tests.crash.processes import Worker, Workers
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.ledger.processor import process
from transactions.models import ArchiveRun, Transaction
from transactions.tests.archiving import prove, rows_of, take
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = ("--keep-last=0", "--include-failed")
BATCH = 3
# The step of the first batch at which a run dies: lines in the file by then, and marked rows. Half
# of the three lines, in bytes, are one line and a half.
POINTS: dict[str, tuple[float, int]] = {
    "archive.began": (0, 0),
    "archive.half_appended": (1.5, 0),
    "archive.appended": (BATCH, 0),
    "archive.synced": (BATCH, 0),
    "archive.marked": (BATCH, 0),
    "archive.recorded": (BATCH, 0),
    "archive.committed": (BATCH, BATCH),
}
CUT = "archive.cut"


def test_every_point_of_an_archive_run_is_killed_below() -> None:
    points = [name for name in FAILPOINTS if name.startswith("archive.")]
    assert points == [*POINTS, CUT]


@pytest.fixture
def archive_file(environment: dict[str, str], settings: Any) -> Path:
    """The archive file of the processes, without the remains of earlier tests."""
    settings.DATA_DIR = Path(environment["BANK_DATA_DIR"])
    path = settings.DATA_DIR / ARCHIVED_TRANSACTIONS.file_name
    path.unlink(missing_ok=True)
    return path


def archiving(workers: Workers, failpoints: str = "", batch_size: int = BATCH) -> Worker:
    size = f"--batch-size={batch_size}"
    return workers.run("archive_transactions", *EVERYTHING, size, failpoints=failpoints)


def move_money(account: Account) -> None:
    """Makes four transactions, one of them refused."""
    other = make_account()
    commands = [
        Deposit(account_id=account.id, amount=Decimal("30.25")),
        Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal("7.50")),
        Withdraw(account_id=other.id, amount=Decimal(999)),
        Withdraw(account_id=account.id, amount=Decimal("0.01")),
    ]
    for command in commands:
        run(command)


def marked() -> int:
    return Transaction.objects.filter(archived_at__isnull=False).count()


def finish(archive_file: Path) -> None:
    """Asserts that the next run cleans up and archives the rest."""
    outcome = take()
    assert all(one.problem for one in outcome.interrupted)
    assert marked() == Transaction.objects.count() == len(rows_of(archive_file))
    prove(archive_file)
    assert verify().ok


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(
    point: str, queue_workers: Workers, archive_file: Path, tally: Tally
) -> None:
    account = make_account()
    move_money(account)
    take(batch_size=BATCH)
    size, before = archive_file.stat().st_size, marked()
    move_money(account)
    line = (size - len(ARCHIVED_TRANSACTIONS.header)) / before
    killed = archiving(queue_workers, f"{point}=kill")
    assert killed.exit_code() == -signal.SIGKILL
    lines, rows = POINTS[point]
    assert (archive_file.stat().st_size - size) / line == pytest.approx(lines, abs=0.3)
    assert marked() - before == rows
    run = ArchiveRun.objects.get(finished_at__isnull=True)
    assert run.rows == rows
    tally.add("archive runs killed")
    finish(archive_file)
    run.refresh_from_db()
    assert (run.rows, bool(run.problem)) == (rows, True)


def test_killed_while_it_puts_in_order_what_was_killed(
    queue_workers: Workers, archive_file: Path, tally: Tally
) -> None:
    move_money(make_account())
    assert archiving(queue_workers, "archive.synced=kill").exit_code() == -signal.SIGKILL
    assert archiving(queue_workers, f"{CUT}=kill").exit_code() == -signal.SIGKILL
    assert archive_file.read_bytes() == ARCHIVED_TRANSACTIONS.header
    assert ArchiveRun.objects.filter(finished_at__isnull=True).count() == 1
    tally.add("archive runs killed", 2)
    finish(archive_file)


def test_the_second_of_two_is_told_and_the_first_goes_on(
    queue_workers: Workers, archive_file: Path
) -> None:
    move_money(make_account())
    first = archiving(queue_workers, "archive.synced=stop")
    first.until_stopped()
    second = archiving(queue_workers)
    assert second.exit_code() == 3
    assert second.log.read_text() == "Another archive run is going on.\n"
    first.resume()
    assert first.exit_code() == 0
    assert marked() == Transaction.objects.count()
    prove(archive_file)
    finish(archive_file)


def moving(accounts: list[Account], random: Random, count: int) -> Callable[[], int]:
    """Returns a job that makes transfers, and returns how many were posted or refused."""

    def move() -> int:
        done = 0
        for _ in range(count):
            source, target = random.sample(accounts, 2)
            amount = Decimal(random.randint(1, 6000)) / 100
            transfer = Transfer(account_id=source.id, target_account_id=target.id, amount=amount)
            try:
                process([transfer], ORIGIN)
                done += 1
            except (Busy, OperationalError):  # On SQLite the others held the database for too long.
                continue
        return done

    return move


def test_killed_again_and_again_while_money_moves(
    queue_workers: Workers, archive_file: Path, random: Random, tally: Tally
) -> None:
    """Payments are not disturbed, and in the end each transaction is archived once."""
    accounts = [make_account(balance=100) for _ in range(4)]
    seeds = [random.getrandbits(32) for _ in range(3)]
    customers = [Thread(moving(accounts, Random(seed), 40)).start() for seed in seeds]  # noqa: S311
    kills = 0
    while any(customer.is_alive() for customer in customers) or kills < 5:
        point = random.choice([*POINTS, CUT, ""])
        archiver = archiving(queue_workers, f"{point}=kill" if point else "", batch_size=7)
        code = archiver.exit_code()
        assert code in (0, -signal.SIGKILL), archiver.log.read_text()
        kills += code != 0
    moved = sum(customer.result() for customer in customers)
    assert moved == 120
    assert Transaction.objects.count() == moved + len(accounts)
    finish(archive_file)
    tally.add("archive runs killed", kills)
    tally.add("transactions archived under load", marked())


@pytest.mark.postgresql  # On SQLite the one writer waits until the batch is marked.
def test_no_account_is_locked_while_a_batch_is_marked(
    queue_workers: Workers, archive_file: Path
) -> None:
    account, other = make_account(balance=100), make_account()
    run(Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal(40)))
    archiver = archiving(queue_workers, "archive.recorded=stop")
    archiver.until_stopped()
    # The archiver holds all its locks now. Anyone who met one would wait until `busy`.
    move_money(account)
    run(Transfer(account_id=other.id, target_account_id=account.id, amount=Decimal(1)))
    archiver.resume()
    assert archiver.exit_code() == 0
    finish(archive_file)
