"""A walk through a list returns each row of its start once, whatever is inserted meanwhile."""

import threading
from decimal import Decimal
from functools import partial
from uuid import UUID

from tests.concurrency.bank import Bank
from tests.concurrency.crowd import Thread
from tests.concurrency.tally import SCALE
from tests.concurrency.teller import settled
from tests.factories import make_account
from transactions.commands import Transfer

ROWS = 24
PAGE_SIZE = 8
WALKS = 2 * SCALE


class Inserters:
    """Inserts a few transactions, entries and accounts with every page that is read."""

    def __init__(self, bank: Bank, source: str, target: str) -> None:
        self._bank = bank
        self._pages_read, self._finished = threading.Semaphore(0), threading.Event()
        self._threads = [
            Thread(partial(self._insert, *pair)).start()
            for pair in [(source, target), (target, source)]
        ]

    def page_read(self) -> None:
        self._pages_read.release()

    def stop(self) -> None:
        self._finished.set()
        for thread in self._threads:
            self._pages_read.release()
            thread.result()

    def _insert(self, source: str, target: str) -> None:
        command = Transfer(
            account_id=UUID(source), target_account_id=UUID(target), amount=Decimal("0.01")
        )
        while self._pages_read.acquire() and not self._finished.is_set():
            settled(command, self._bank.tally)
            make_account()
            self._bank.tally.add("rows inserted during walks", 2)


def test_walking_a_list_while_others_insert(bank: Bank) -> None:
    source, target = bank.open(balance=100), bank.open(balance=100)
    for _ in range(ROWS):
        settled(
            Transfer(account_id=UUID(source), target_account_id=UUID(target), amount=Decimal(1)),
            bank.tally,
        )
        make_account()
    lists = {
        "accounts/": "account_id",
        "transactions/": "transaction_id",
        f"transactions/?account={source}": "transaction_id",
        f"accounts/{source}/transactions/": "transaction_id",
        f"accounts/{target}/entries/": "sequence",
    }
    inserters = Inserters(bank, source, target)
    try:
        for path, name in lists.items():
            for _ in range(WALKS):
                # Read in one request, so all of them were committed before the walk began.
                there = {row[name] for row in bank.client.get(with_size(path, ROWS))["results"]}
                walked = []
                for page in bank.client.pages(path, page_size=PAGE_SIZE):
                    inserters.page_read()
                    walked += [row[name] for row in page]
                assert len(there) == ROWS
                assert len(set(walked)) == len(walked)
                assert there <= set(walked)
                bank.tally.add("walks while others insert")
    finally:
        inserters.stop()
    bank.prove()


def with_size(path: str, page_size: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}page_size={page_size}"
