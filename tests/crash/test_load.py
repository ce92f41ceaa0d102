"""Workers, web servers and the database are killed at random under load, again and again."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from tests.concurrency.tally import SCALE, Tally
from tests.crash.bank import Bank, bank
from tests.crash.client import Request, settle
from tests.crash.load import Load
from tests.crash.processes import Worker, eventually, kill_a_child, started
from tests.crash.test_failpoints import WORKER_POINTS
from tests.postgresql import postgresql_server
from tests.postgresql_installations import newest_installation

_WORKER_NAMES = """
    SELECT count(DISTINCT worker) FROM transactions_transaction
    WHERE idempotency_key LIKE 'asleep-%'"""
CUSTOMERS = 4
WORKERS = 3
SECONDS_BETWEEN_KILLS = 1
KILLS_OF_WORKERS = 8 * SCALE
ROUNDS_OF_CRASHES = 1 * SCALE


@pytest.fixture
def own_bank(tmp_path: Path) -> Iterator[Bank]:
    """A bank on this run's kind of database. On PostgreSQL it has its own server, with fsync on."""
    if connection.vendor == "sqlite":
        with bank(tmp_path, None) as made:
            yield made
        return
    with postgresql_server(newest_installation()) as server, bank(tmp_path, server) as made:
        yield made


def customers(random: Random) -> list[int]:
    return [random.getrandbits(32) for _ in range(CUSTOMERS)]


def test_workers_killed_every_second_lose_and_double_nothing(
    own_bank: Bank, random: Random, tally: Tally
) -> None:
    """Half of them die at a step of their work, the others anywhere."""

    def new_worker() -> Worker:
        point = random.choice(list(WORKER_POINTS))
        failpoints = random.choice(["", f"{point}=kill"])
        size = random.choice([3, 20, 500])
        return own_bank.workers.start(
            f"--batch-size={size}", lease_seconds=1, failpoints=failpoints
        )

    running = [new_worker() for _ in range(WORKERS)]
    with own_bank.load(tally) as load:
        load.start(customers(random))
        for _ in range(KILLS_OF_WORKERS):
            time.sleep(SECONDS_BETWEEN_KILLS * random.uniform(0.5, 1.5))
            load.check()
            doomed = running.pop(random.randrange(WORKERS))
            assert doomed.kill() == -9, doomed.log.read_text()
            tally.add("kills of workers")
            running.append(new_worker())
    own_bank.workers.start(lease_seconds=1)
    own_bank.drain()
    own_bank.prove(load, tally)


@pytest.mark.postgresql
def test_crashes_of_database_and_web_lose_and_double_nothing(
    own_bank: Bank, random: Random, tally: Tally
) -> None:
    """The test only restarts what it killed; everything else recovers by itself."""
    assert own_bank.server is not None
    command = [sys.executable, "manage.py", "process_transactions", "--workers=2"]
    log = own_bank.folder / "queue.log"
    with started(command, own_bank.environment, log) as supervisor:
        with own_bank.load(tally) as load:
            load.start(customers(random))
            for _ in range(ROUNDS_OF_CRASHES):
                for crash in random.sample(CRASHES, len(CRASHES)):
                    crash(own_bank, supervisor.pid, random)
                    tally.add(f"crashes: {crash.__name__.replace('_', ' ')}")
                    eventually(own_bank.web.is_ready)
                    time.sleep(random.uniform(0.5, 1.5))
                    load.check()
        assert supervisor.poll() is None, log.read_text()[-4000:]
        own_bank.drain()
        own_bank.prove(load, tally)
    assert tally["answers lost"] > 0
    require_that_a_sleeping_worker_wakes_up_to_a_new_database(own_bank, load, random)


def require_that_a_sleeping_worker_wakes_up_to_a_new_database(
    bank: Bank, load: Load, random: Random
) -> None:
    worker = bank.workers.start()
    for crashed in (False, True):
        if crashed:
            database(bank, 0, random)
            eventually(bank.web.is_ready)
        key = f"asleep-{crashed}"
        request = Request(f"accounts/{load.account_ids[0]}/deposit/", {"amount": "1.00"}, key, True)
        answer = settle(bank.web.port, bank.token, request, random=random, tally=Tally())
        assert answer.status == 202
        bank.drain()
        time.sleep(0.5)  # The worker has no work left.
    assert worker.kill() == -9, worker.log.read_text()
    assert bank.query(_WORKER_NAMES) == [(1,)]


def database(bank: Bank, _supervisor: int, random: Random) -> None:
    bank.server.kill9()
    time.sleep(random.uniform(0, 1.5))
    bank.server.start()


def database_and_a_web_worker(bank: Bank, _supervisor: int, random: Random) -> None:
    """The new web worker finds no database."""
    bank.server.kill9()
    bank.web.kill_a_worker(random)
    time.sleep(4)
    bank.server.start()


def web(bank: Bank, _supervisor: int, _random: Random) -> None:
    bank.web.kill()
    bank.web.start()


def a_queue_worker(_bank: Bank, supervisor: int, random: Random) -> None:
    kill_a_child(supervisor, random)


CRASHES = [database, database_and_a_web_worker, web, a_queue_worker]
