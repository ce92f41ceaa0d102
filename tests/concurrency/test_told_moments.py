"""A balance reported for a moment stays true beside other postings.

With TEST_SCALE=20 there are 2,000 pairs, beside batches of 1,500.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from accounts.models import CASH, Account, internal_account_id
from core import clock
from core.errors import Busy
from tests.concurrency.bank import Bank
from tests.concurrency.crowd import Thread
from tests.concurrency.tally import SCALE, Tally
from tests.factories import ORIGIN, deposit, make_account
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Deposit
from transactions.reads import selectors
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = 100 * SCALE
BATCH = min(1500, 150 * SCALE)
DEPOSITORS = 3
# So that the journal stays small enough to read.
BATCH_PAUSE_SECONDS = 0.3
JUST_NOW = timedelta(milliseconds=1)

Told = tuple[UUID, str, str]


@contextmanager
def posting(*jobs: Callable[[], Any]) -> Iterator[None]:
    """Repeats each job in its own thread until the block ends."""
    ended = threading.Event()

    def over_and_over(job: Callable[[], Any]) -> None:
        while not ended.is_set():
            job()

    threads = [Thread(partial(over_and_over, job)).start() for job in jobs]
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.result()


def batch_of(account: Account) -> None:
    commands = [Deposit(account_id=account.id, amount=Decimal(n % 7 + 1)) for n in range(BATCH)]
    post_batch(BatchRequest(commands, atomic=False), ORIGIN)
    time.sleep(BATCH_PAUSE_SECONDS)


def told(bank: Bank, account_id: UUID, at: datetime | str | None = None) -> Told:
    asked = "" if at is None else f"?at={quote(at if isinstance(at, str) else at.isoformat())}"
    answer = bank.client.get(f"accounts/{account_id}/balance/{asked}")
    return account_id, answer["at"], answer["balance"]


def untrue(bank: Bank, pairs: list[Told]) -> list[tuple[Told, Told]]:
    """The pairs whose balance the bank now reports differently."""
    again = [told(bank, account_id, at) for account_id, at, _ in pairs]
    return [(one, other) for one, other in zip(pairs, again, strict=True) if one[2] != other[2]]


def jobs_for(account: Account) -> list[Callable[[], Any]]:
    amounts = count(1)
    deposits = [lambda: deposit(account, next(amounts) % 9 + 1)] * DEPOSITORS
    return [*deposits, partial(batch_of, account)]


def test_a_balance_and_its_moment_stay_true(bank: Bank) -> None:
    account, cash = make_account(balance=5), internal_account_id(CASH, "USD")
    pairs: list[Told] = []
    changed: list[tuple[Told, Told]] = []
    with posting(*jobs_for(account)):
        for number in range(PAIRS):
            pair = told(bank, account.id)
            # A recent moment, for which nothing was reported yet.
            recent = told(bank, account.id, clock.now() - JUST_NOW)
            few = [told(bank, cash)] if number % 20 == 0 else []
            changed += untrue(bank, [pair, recent, *few])
            pairs += [pair, recent, *few]
    assert changed + untrue(bank, pairs) == []
    balances = {balance for _, _, balance in pairs}
    assert len(balances) > PAIRS / 20, "Hardly anything was posted meanwhile."
    bank.tally.add("balances told and asked back", len(pairs))
    assert verify().ok


def patiently(job: Callable[[], Any]) -> Any:
    """The job's result; repeats it while the bank is busy, as SERIALIZABLE often makes it."""
    while True:
        with suppress(Busy):
            return job()


@pytest.mark.postgresql
@pytest.mark.parametrize("level", ["read committed", "serializable"])
def test_they_stay_true_under_each_isolation_level(
    tally: Tally, isolation: Callable[[str], None], level: str
) -> None:
    isolation(level)
    account, cash = make_account(balance=5), internal_account_id(CASH, "USD")

    def reported(account_id: UUID, at: datetime | None) -> tuple[UUID, datetime, Decimal]:
        report = patiently(lambda: selectors.balance_report(Account.objects.get(pk=account_id), at))
        return account_id, report["at"], report["balance"]

    pairs = []
    with posting(*(partial(patiently, job) for job in jobs_for(account))):
        for number in range(PAIRS):
            pairs.append(reported(account.id, None))
            pairs.append(reported(account.id, clock.now() - JUST_NOW))
            if number % 20 == 0:
                pairs.append(reported(cash, None))
            assert [reported(one, at) for one, at, _ in pairs[-2:]] == pairs[-2:]
    assert [reported(one, at) for one, at, _ in pairs] == pairs
    assert len({balance for _, _, balance in pairs}) > PAIRS / 20, "Hardly anything was posted."
    tally.add(f"balances told and asked back, {level}", len(pairs))
    assert verify().ok


def test_the_control_a_balance_now_does_not_stay_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier code: the visible balance, with the present moment."""
    account = make_account(balance=5)
    monkeypatch.setattr(selectors, "_balance_now", lambda account: (account.balance, clock.now()))
    changed = 0
    with posting(*jobs_for(account)):
        for _ in range(400):
            report = selectors.balance_report(Account.objects.get(pk=account.id), None)
            again = selectors.balance_report(Account.objects.get(pk=account.id), report["at"])
            changed += report["balance"] != again["balance"]
            if changed:
                return
    raise AssertionError("Every pair was true without what keeps it true.")
