"""The order on SQLite: a reader who reads on hears what one who reads later hears."""

import threading
from decimal import Decimal

import pytest

from events.changes import ChangeReader
from events.feed import FeedPage, read
from events.keys import BEGINNING
from tests.concurrency.crowd import Thread
from tests.factories import make_account
from transactions.commands import Deposit
from transactions.tests.queueing import queue_up, work


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_reading_on_and_reading_again_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    deposit = Deposit(account_id=make_account().id, amount=Decimal(1))
    queue_up(deposit)
    live: list[FeedPage] = []
    ended = threading.Event()

    def worker() -> None:
        work()
        ended.set()

    thread = Thread(worker)

    def meanwhile(name: str) -> None:
        """A request has its moment, and a worker wants to write before it."""
        if name == "accept.read":
            thread.start()
            ended.wait(0.5)
            live.append(read(ChangeReader(), BEGINNING, 50))

    monkeypatch.setattr("transactions.queue.acceptance.failpoint", meanwhile)
    queue_up(deposit)
    thread.result()
    rest = read(ChangeReader(), live[0].places, 50)
    again = read(ChangeReader(), BEGINNING, 50)
    assert [*live[0].changes, *rest.changes] == again.changes
    assert len(again.changes) == 7
