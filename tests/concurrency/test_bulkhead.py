"""A locked account delays no request for another account; tested on a real process."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from statistics import median

import pytest

from bankproject.environment import WEB_THREADS
from core.bulkhead import STUCK_SECONDS
from tests.concurrency.bank import Bank, supervisor_token
from tests.concurrency.client import Client
from tests.concurrency.crowd import Thread
from tests.concurrency.interleaving import rival, until, waiting_sessions
from tests.concurrency.server import served
from tests.concurrency.tally import Tally
from tests.http import Answer

CLIENTS = 3 * WEB_THREADS
ROUNDS = 20
LOCK_TIMEOUT_SECONDS = 2
LONGEST_BUSY_SECONDS = 8
# A shared machine may be slow once. This bound detects a wait for the lock, of 2 s or more.
LONGEST_OTHER_SECONDS = 1.5
HEALTH_SECONDS = 0.1
# A deposit takes some milliseconds. Twice that is less than a turn of the scheduler, which the many
# clients in the test's own process cost; a wait for a place would take half a second.
TURN_SECONDS = 0.02


@pytest.fixture
def bank(
    transactional_db: None, django_db_setup: None, random: Random, tally: Tally
) -> Iterator[Bank]:
    """A bank served by one process with its few threads."""
    with served(workers=1) as port:
        yield Bank(Client(port, supervisor_token(), tally), random, tally)


def timed(ask: Callable[[], Answer | None]) -> tuple[float, Answer]:
    begun = time.monotonic()
    answer = ask()
    assert answer is not None
    return time.monotonic() - begun, answer


def others(bank: Bank, account: str) -> tuple[list[float], list[float]]:
    """The seconds of deposits to another account, and of `health/`."""
    deposit = partial(bank.client.post, f"accounts/{account}/deposit/", {"amount": "1.00"})
    alive = partial(bank.client.send, "GET", "health/")
    deposits, probes = [], []
    for _ in range(ROUNDS):
        seconds, answer = timed(deposit)
        assert answer.status == 200
        deposits.append(seconds)
        probes.append(timed(alive)[0])
    return deposits, probes


@pytest.mark.postgresql
def test_a_request_for_another_account_does_not_wait(
    bank: Bank, show: Callable[[str], None]
) -> None:
    """First all threads but one wait for the locked account; then there are far more clients."""
    locked, other = bank.open(balance=100), bank.open(balance=50)
    everybody: list[Thread] = []
    usual, alive = (median(seconds) for seconds in others(bank, other))
    show(f"usual: deposit {1e3 * usual:.1f} ms, health {1e3 * alive:.1f} ms")
    stop = threading.Event()
    told: list[tuple[float, Answer]] = []
    deposit = partial(bank.client.post, f"accounts/{locked}/deposit/", {"amount": "1.00"})

    def ask() -> None:
        while not stop.is_set():
            told.append(timed(deposit))
            stop.wait(float(told[-1][1].headers["retry-after"]))

    with rival() as session:
        session.lock(locked)
        for clients in (WEB_THREADS - 1, CLIENTS):
            everybody += [Thread(ask).start() for _ in range(clients)]
            assert until(lambda: waiting_sessions() >= 1)
            time.sleep(2 * STUCK_SECONDS)
            deposits, probes = others(bank, other)
            assert max(deposits) < LONGEST_OTHER_SECONDS
            assert max(probes) < LONGEST_OTHER_SECONDS
            deposit_seconds, health_seconds = median(deposits), median(probes)
            show(
                f"beside {len(everybody)} clients: deposit {1e3 * deposit_seconds:.1f} ms,"
                f" health {1e3 * health_seconds:.1f} ms"
            )
            assert deposit_seconds < 2 * usual + TURN_SECONDS
            assert health_seconds < HEALTH_SECONDS
        assert until(lambda: max((one[0] for one in told), default=0) > LOCK_TIMEOUT_SECONDS)
        stop.set()
        for thread in everybody:
            thread.result()
    for seconds, answer in told:
        assert (answer.status, answer.code) == (503, "busy")
        assert seconds < LONGEST_BUSY_SECONDS
    bank.tally.add("answers beside a locked account", 4 * ROUNDS)
    bank.prove()
