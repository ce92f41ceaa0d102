"""Jepsen's bank test: money moves between accounts at random, and no reader sees a wrong total."""

import threading
from functools import partial
from random import Random

import pytest

from tests.concurrency.bank import Bank, totals
from tests.concurrency.client import Client
from tests.concurrency.crowd import Thread, at_once, process_running
from tests.concurrency.model import minor_units
from tests.concurrency.server import WITH_AND_WITHOUT
from tests.concurrency.tally import SCALE
from tests.concurrency.teller import transfer_at_random
from tests.factories import make_account

ACCOUNTS = 8
OPENING_BALANCE = 300
TOTAL = ACCOUNTS * OPENING_BALANCE
TOTAL_UNITS = TOTAL * 10_000
CLIENTS = 4
TRANSFERS_OF_EACH = 20 * SCALE
# The percentage of requests whose response is lost.
LOST_ANSWERS_PERCENT = 10


def open_accounts() -> list[str]:
    return [str(make_account(balance=OPENING_BALANCE).id) for _ in range(ACCOUNTS)]


def transfer_over_http(client: Client, account_ids: list[str], seed: int) -> None:
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    for number in range(TRANSFERS_OF_EACH):
        source, target = random.sample(account_ids, 2)
        cents = random.randint(1, 40_000)
        answer = client.settled(
            "POST",
            f"accounts/{source}/transfer/",
            {"target_account_id": target, "amount": f"{cents // 100}.{cents % 100:02}"},
            key=f"{seed}-{number}",
            hang_up=random.randrange(100) < LOST_ANSWERS_PERCENT,
        )
        assert (answer.status, answer.code) in {(200, None), (400, "insufficient_funds")}, answer
        client.tally.add("transfers over HTTP")


def read_totals(bank: Bank, finished: threading.Event) -> None:
    # Reads are cheap. Without a pause they would starve the writers.
    while not finished.wait(0.005):
        assert totals() == (TOTAL_UNITS, -TOTAL_UNITS, 0)
        bank.tally.add("reads of all balances by SQL")


def read_totals_over_http(bank: Bank, finished: threading.Event) -> None:
    while not finished.is_set():
        # A page is one statement.
        page = bank.client.get("accounts/")["results"]
        assert sum(minor_units(account["balance"]) for account in page) == TOTAL * 100
        bank.tally.add("reads of all balances over HTTP")


@WITH_AND_WITHOUT
def test_no_reader_ever_sees_a_wrong_total_over_http(bank: Bank) -> None:
    account_ids = open_accounts()
    finished = threading.Event()
    readers = [
        Thread(partial(read, bank, finished)).start()
        for read in (read_totals, read_totals_over_http)
    ]
    try:
        at_once(
            [
                partial(transfer_over_http, bank.client, account_ids, bank.random.getrandbits(32))
                for _ in range(CLIENTS)
            ]
        )
    finally:
        finished.set()
    for reader in readers:
        reader.result()
    history = bank.prove()
    # Each request had one effect, even if its response was lost.
    assert len(history.transactions) == ACCOUNTS + CLIENTS * TRANSFERS_OF_EACH
    assert totals() == (TOTAL_UNITS, -TOTAL_UNITS, 0)
    assert bank.tally["unknowns resolved"] > 0
    assert min(bank.tally[f"reads of all balances {how}"] for how in ("by SQL", "over HTTP")) > 0


@pytest.mark.postgresql
@pytest.mark.parametrize("level", ["read committed", "serializable"])
def test_no_reader_ever_sees_a_wrong_total_in_process(bank: Bank, isolation, level: str) -> None:
    isolation(level)
    account_ids = open_accounts()
    finished = threading.Event()
    job = {
        "account_ids": account_ids,
        "seed": bank.random.getrandbits(32),
        "transfers": TRANSFERS_OF_EACH,
        "threads": CLIENTS // 2,
    }
    with process_running("tests.concurrency.teller", job) as counted:
        reader = Thread(partial(read_totals, bank, finished)).start()
        try:
            at_once(
                [
                    partial(
                        transfer_at_random,
                        account_ids,
                        seed=bank.random.getrandbits(32),
                        transfers=TRANSFERS_OF_EACH,
                        tally=bank.tally,
                    )
                    for _ in range(CLIENTS // 2)
                ]
            )
            elsewhere = counted()
        finally:
            finished.set()
    for name, count in elsewhere.items():
        bank.tally.add(name, count)
    reader.result()
    history = bank.prove()
    assert len(history.transactions) == ACCOUNTS + CLIENTS * TRANSFERS_OF_EACH
    assert totals() == (TOTAL_UNITS, -TOTAL_UNITS, 0)
    assert bank.tally["reads of all balances by SQL"] > 0
