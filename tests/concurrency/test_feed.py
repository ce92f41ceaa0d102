"""The feed beside eight writers, one of which is killed.

Each change comes once, none behind a reader, each after its cause, and one account's in sequence.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.commands import RenameAccount
from accounts.models import Account, AccountEvent
from core.identifiers import uuid7
from core.settled import settled_moment
from events.changes import ChangeReader
from events.feed import FeedPage, read
from events.keys import BEGINNING, FeedPlace
from events.waiting import wait
from tests.concurrency.crowd import Thread, at_once, environment_of_database
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.models import Transaction, TransactionEvent
from transactions.tests.queueing import queue_up, work

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient"),
]

WRITERS = 8
ROUNDS = 6
# It moves money until it is killed.
PROGRAM = """
import sys, django
django.setup()
from decimal import Decimal
from uuid import UUID
from tests.factories import run
from transactions.commands import Deposit
print("ready", flush=True)
while True:
    run(Deposit(account_id=UUID(sys.argv[1]), amount=Decimal(1)))
"""


class FeedReader:
    """Reads on until it is told that all is written, and then to the end."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self.ids: list[UUID] = []
        self.pages = 0
        self._places: tuple[FeedPlace, ...] = BEGINNING

    def run(self, done: threading.Event) -> None:
        while not done.is_set():
            self._page(7)
            time.sleep(0 if self._waits else 0.02)
        settled_moment()
        while self._page(200).has_more:
            pass

    def _page(self, size: int) -> FeedPage:
        page = read(ChangeReader(), self._places, size)
        if self._waits:
            page = wait(
                lambda before: read(ChangeReader(), before.places, size),
                page,
                is_empty=lambda one: not one.changes,
                seconds=0.1,
            )
        self.ids += [change.id for change in page.changes]
        self._places, self.pages = page.places, self.pages + 1
        return page


def slow_change(account: Account, seconds: float) -> None:
    """A change whose database transaction ends long after it has begun."""
    with transaction.atomic():
        now = timezone.now()
        AccountEvent.objects.create(id=uuid7(now), account=account, event="RENAMED", at=now)
        time.sleep(seconds)


def write(accounts: list[Account], seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - a storm, not a secret
    for _ in range(ROUNDS):
        one, other = chosen.sample(accounts, 2)
        slow_change(one, chosen.uniform(0, 0.05))
        run(Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal("0.01")))
        run(Withdraw(account_id=one.id, amount=Decimal(5000)))  # Refused.
        queue_up(Deposit(account_id=one.id, amount=Decimal(1)))
        run(RenameAccount(account_id=other.id, name=f"Ada {seed}"))
        commands: list[Any] = [Deposit(account_id=one.id, amount=Decimal(1))] * 4
        process(commands, ORIGIN)
        work(batch_size=3)


def killed_writer(account: Account) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(account.id)],
        env=environment_of_database(),
        stdout=subprocess.PIPE,
    )


def chains() -> list[list[UUID]]:
    """Changes that follow each other: those of a transaction, and the movements of an account."""
    transitions: dict[UUID, list[UUID]] = {}
    completed: dict[UUID, UUID] = {}
    rows = TransactionEvent.objects.order_by("id").values_list("id", "transaction_id", "to_status")
    for pk, transaction_id, status in rows:
        transitions.setdefault(transaction_id, [transaction_id]).append(pk)
        if status == "COMPLETED":
            completed[transaction_id] = pk
    entries: dict[UUID, list[tuple[int, UUID]]] = {}
    for one in Transaction.objects.filter(status="COMPLETED"):
        told = completed.get(one.id, one.id)
        for account_id, sequence in (
            (one.debit_account_id, one.debit_sequence),
            (one.credit_account_id, one.credit_sequence),
        ):
            if sequence is not None:
                entries.setdefault(account_id, []).append((sequence, told))
    return [*transitions.values(), *([pk for _, pk in sorted(one)] for one in entries.values())]


def test_every_change_is_told_once_and_in_order(show: Any) -> None:
    accounts = [make_account(balance=10) for _ in range(4)]
    readers = [FeedReader(waits=False), FeedReader(waits=True)]
    done = threading.Event()
    with killed_writer(accounts[0]) as victim:
        try:
            assert victim.stdout is not None
            assert victim.stdout.readline() == b"ready\n"
            threads = [Thread(partial(reader.run, done)).start() for reader in readers]
            at_once([partial(write, accounts, seed) for seed in range(WRITERS)])
        finally:
            victim.kill()
        assert victim.wait() == -signal.SIGKILL
    done.set()
    for thread in threads:
        thread.result()
    stored = {
        pk
        for model in (AccountEvent, Transaction, TransactionEvent)
        for pk in model.objects.values_list("pk", flat=True)
    }
    for reader in readers:
        assert len(reader.ids) == len(set(reader.ids))
        assert set(reader.ids) == stored
    assert readers[0].ids == readers[1].ids
    place = {pk: index for index, pk in enumerate(readers[0].ids)}
    for chain in chains():
        assert [pk for _, pk in sorted((place[pk], pk) for pk in chain)] == chain
    show(f"feed: {len(stored)} changes, read in {[one.pages for one in readers]} pages")
