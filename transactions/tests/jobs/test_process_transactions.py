"""`manage.py process_transactions` as real processes that are stopped and killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.factories import make_account
from tests.scratch import Bank, finish, migrated_bank
from transactions.commands import Withdraw
from transactions.queue import worker as worker_module
from transactions.tests.queueing import queue_up

WAIT_SECONDS = 180
_LOOP = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers=0"], "--workers is 1 or more"),
        (["--batch-size=0"], "--batch-size 1 to 10000"),
        (["--batch-size=10001"], "--batch-size 1 to 10000"),
        (["--workers=2", "--once"], "--once is for a single worker"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("process_transactions", *arguments)


# Processes. ---------------------------------------------------------------------------------------


@pytest.fixture
def bank(transactional_db: None, tmp_path: Path) -> Iterator[Bank]:
    """A bank of its own with an account of 30, from which 7, 24 and 5 are to be withdrawn."""
    account = make_account(balance=30)
    queue_up(*(Withdraw(account_id=account.id, amount=Decimal(each)) for each in (7, 24, 5)))
    with migrated_bank(tmp_path) as bank:
        yield bank
        code, report = bank.manage("verify_ledger")
        assert code == 0, report


def query(bank: Bank, sql: str) -> list[tuple[Any, ...]]:
    if url := bank.environment["DATABASE_URL"]:
        with psycopg.connect(url) as server:
            return server.execute(sql).fetchall()
    database = sqlite3.connect(bank.folder / "bank.sqlite3", timeout=WAIT_SECONDS)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def statuses(bank: Bank) -> list[str]:
    """The statuses of the withdrawals, in order."""
    sql = "SELECT status FROM transactions_transaction WHERE type = 'WITHDRAW' ORDER BY id"
    return [status for (status,) in query(bank, sql)]


DONE = ["COMPLETED", "FAILED", "COMPLETED"]


def until(condition: Callable[[], Any]) -> None:
    """Waits until the condition holds, up to three minutes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It should have come true."
        time.sleep(0.05)


def worker(bank: Bank, *arguments: str) -> subprocess.Popen[str]:
    return bank.start("manage.py", "process_transactions", *arguments)


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Output of a process that is signalled, and ends by itself."""
    process.send_signal(number)
    code, output = finish(process)
    assert code == 0, output
    assert "Traceback" not in output
    return output


@pytest.mark.slow
def test_once_ends_when_nothing_is_due(bank: Bank) -> None:
    code, output = bank.manage("process_transactions", "--once", "--batch-size=2")
    assert (code, output.splitlines()[-1]) == (0, "Processed 3 transactions.")
    assert statuses(bank) == DONE


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_goes_on_until_it_is_told_to_stop(bank: Bank, number: int) -> None:
    process = worker(bank)
    until(lambda: statuses(bank) == DONE)
    assert process.poll() is None
    assert stopped(process, number).splitlines()[-1] == "Processed 3 transactions."


@pytest.mark.slow
@pytest.mark.postgresql
def test_unfinished_rows_are_given_back_in_time(bank: Bank) -> None:
    """Another session holds the account. The locked rows wait for it, and are released.

    The session holds it until the worker has ended: only the worker's own grace period ends its
    wait. `test_the_grace_is_shorter_than_what_stops_a_worker` checks the length of that period.
    """
    with psycopg.connect(bank.environment["DATABASE_URL"]) as rival:
        rival.execute("SELECT 1 FROM accounts_account WHERE kind = 'CUSTOMER' FOR UPDATE")
        process = worker(bank)
        until(lambda: statuses(bank) == ["PROCESSING"] * 3)
        output = stopped(process)
    assert "Gave back 3 transactions" in output
    assert statuses(bank) == ["PENDING"] * 3
    events = query(bank, "SELECT DISTINCT event FROM transactions_transactionevent ORDER BY 1")
    assert events == [("RELEASED",), ("STARTED",)]
    assert query(bank, "SELECT max(attempts) FROM transactions_transaction") == [(0,)]
    assert bank.manage("process_transactions", "--once")[0] == 0
    assert statuses(bank) == DONE


def test_the_grace_is_shorter_than_what_stops_a_worker() -> None:
    """Containers are killed ten seconds after SIGTERM: two are left to release the rows."""
    assert worker_module._GRACE_SECONDS + 2 <= 10


def children(process: subprocess.Popen[str]) -> list[int]:
    """Ids of the child processes of a process."""
    return [
        int(child)
        for task in Path(f"/proc/{process.pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def is_gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has read its exit code yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


needs_proc = pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="needs Linux's /proc"
)


@pytest.mark.slow
@needs_proc
def test_many_workers_are_looked_after(bank: Bank) -> None:
    process = worker(bank, "--workers=2", "--batch-size=1")
    until(lambda: len(children(process)) == 2 and statuses(bank) == DONE)
    killed, other = children(process)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(set(children(process)) - {killed}) == 2)
    started = children(process)
    assert other in started
    output = stopped(process)
    # A process stopped at its start may not have reported it yet.
    assert output.count(" started at ") >= 1
    assert all(is_gone(pid) for pid in (killed, *started))


@pytest.mark.slow
@pytest.mark.postgresql
@needs_proc
def test_rows_of_a_killed_worker_do_not_wait_for_its_lease(bank: Bank) -> None:
    """Another session holds the account while the worker is killed. The lease is an hour long."""
    bank.environment["BANK_WORKER_LEASE_SECONDS"] = "3600"
    with psycopg.connect(bank.environment["DATABASE_URL"]) as rival:
        rival.execute("SELECT 1 FROM accounts_account WHERE kind = 'CUSTOMER' FOR UPDATE")
        process = worker(bank, "--supervise")
        until(lambda: statuses(bank) == ["PROCESSING"] * 3)
        (killed,) = children(process)
        os.kill(killed, signal.SIGKILL)
        until(lambda: is_gone(killed))
    until(lambda: statuses(bank) == DONE)
    events = query(bank, "SELECT DISTINCT event FROM transactions_transactionevent ORDER BY 1")
    assert ("LEASE_LOST",) in events
    stopped(process)


@pytest.mark.slow
@needs_proc
def test_a_worker_ends_with_who_started_it(bank: Bank) -> None:
    command = [sys.executable, "manage.py", "process_transactions", "--end-with-parent"]
    parent = bank.start("-c", _LOOP, *command)
    until(lambda: statuses(bank) == DONE)
    (child,) = children(parent)
    parent.kill()
    until(lambda: is_gone(child))
    # The pipe of both is closed, so both have ended; the worker by itself, as signalled.
    assert "Processed 3 transactions." in parent.communicate(timeout=WAIT_SECONDS)[0]


@pytest.mark.slow
def test_a_bank_without_guards_is_not_worked_on(bank: Bank) -> None:
    name = "transactions_transaction_identity"
    on = " ON transactions_transaction" if connection.vendor == "postgresql" else ""
    dropped = (
        f"from django.db import connection; connection.cursor().execute('DROP TRIGGER {name}{on}')"
    )
    assert bank.manage("shell", "--no-imports", "-c", dropped)[0] == 0
    code, output = bank.manage("process_transactions", "--once")
    assert code == 1
    assert output.startswith("The database lacks ")
    assert statuses(bank) == ["PENDING"] * 3
    assert bank.manage("migrate", "--verbosity=0")[0] == 0
