"""Killed at random under load: workers, web servers and the database, again and again."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from tests.concurrency.tally import SCALE, Tally
from tests.crash.bank import Bank, bank
from tests.crash.processes import Worker
from tests.crash.test_failpoints import WORKER_POINTS
from tests.postgresql import postgresql_server
from tests.postgresql_installations import newest_installation

CUSTOMERS = 4
WORKERS = 3
SECONDS_BETWEEN_KILLS = 1
KILLS_OF_WORKERS = 8 * SCALE
ROUNDS_OF_CRASHES = 1 * SCALE


@pytest.fixture
def own_bank(tmp_path: Path) -> Iterator[Bank]:
    """On the kind of database of this run. A server of its own, which is killed, with fsync on."""
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
    """Half of them die at a step of their work, the others wherever they happen to be."""

    def new_worker() -> Worker:
        point = random.choice(list(WORKER_POINTS))
        failpoints = random.choice(["", f"{point}=kill"])
        size = random.choice([3, 20, 500])
        return own_bank.workers.start(
            f"--batch-size={size}", lease_seconds=1, failpoints=failpoints
        )

    load = own_bank.load(tally)
    running = [new_worker() for _ in range(WORKERS)]
    load.start(customers(random))
    try:
        for _ in range(KILLS_OF_WORKERS):
            time.sleep(SECONDS_BETWEEN_KILLS * random.uniform(0.5, 1.5))
            load.check()
            doomed = running.pop(random.randrange(WORKERS))
            assert doomed.kill() == -9, doomed.log.read_text()
            tally.add("kills of workers")
            running.append(new_worker())
    finally:
        load.stop()
    own_bank.workers.start(lease_seconds=1)
    own_bank.drain()
    own_bank.prove(load, tally)
