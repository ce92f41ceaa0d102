"""Gathered commands under load: real threads, mixed callers, and the books afterwards."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account
from accounts.states import FreezeScope
from core.api.idempotency import fingerprint
from core.commands import Origin
from core.errors import BankError, Busy
from tests.concurrency.crowd import Thread, at_once
from tests.concurrency.interleaving import rival, until, waiting_sessions
from tests.concurrency.tally import SCALE, Tally
from tests.factories import make_account, run
from tests.gathering import gathered
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger import groups
from transactions.ledger.idempotency import Replay
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 12
TURNS = 15 * SCALE
# What is wrong with one in five.
BAD = ("unknown", "currency", "closed", "frozen", "poor")


@pytest.fixture(params=["gathering", "each alone"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    on = request.param == "gathering"
    block: AbstractContextManager[None] = gathered() if on else nullcontext()
    with block:
        yield request.param


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the groups, as they are run."""
    seen: list[int] = []
    outcomes = groups.outcomes

    def seen_outcomes(waiting: Any, run_group: Any) -> Any:
        seen.append(len(waiting))
        return outcomes(waiting, run_group)

    monkeypatch.setattr(groups, "outcomes", seen_outcomes)
    return seen


@dataclass
class Crowd:
    """Callers that move money at random between a few accounts; what each was answered."""

    accounts: list[Account]
    bad: dict[str, Account]
    origins: list[Origin]
    answers: list[tuple[MoneyCommand, Origin, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 - chance that can be repeated
        for _ in range(TURNS):
            command, origin = self._some_command(random), random.choice(self.origins)
            try:
                (answer,) = process([command], origin)
            except BankError as error:
                answer = error
            with self._lock:
                self.answers.append((command, origin, answer))

    def _some_command(self, random: Random) -> MoneyCommand:
        """Of one key mostly the same, but for the user. Few keys, so that many are used again."""
        key = f"key-{random.randrange(15)}" if random.random() < 0.4 else None
        if key and random.random() < 0.8:
            random = Random(key)  # noqa: S311
        one, other = random.sample(self.accounts, 2)
        amount = Decimal(random.randint(1, 3000)) / 100
        if random.random() < 0.2:
            kind = random.choice(BAD)
            one = self.bad.get(kind, one)
            amount = Decimal(10**6 if kind == "poor" else 2)
        fields: dict[str, Any] = {"account_id": one.id, "amount": amount}
        verb: Any = random.choice([Deposit, Withdraw, Transfer])
        if verb is Transfer:
            fields["target_account_id"] = other.id
        return verb(
            **fields,
            idempotency_key=key,
            request_fingerprint=fingerprint(verb.verb, fields),
        )


def a_crowd() -> Crowd:
    accounts = [make_account(balance=500 + number) for number in range(5)]
    bad = {
        "unknown": Account(id=make_account().id),
        "currency": make_account(currency="JPY", balance=9),
        "closed": make_account(),
        "frozen": make_account(balance=7),
    }
    bad["unknown"].id = type(bad["unknown"].id)(int=7)
    run(CloseAccount(account_id=bad["closed"].id, reason="gone"))
    run(FreezeAccount(account_id=bad["frozen"].id, scope=FreezeScope.ALL, reason="asked"))
    users = [get_user_model().objects.create_user(f"user{number}") for number in range(3)]
    origins = [Origin(user_id=user.pk, caller=f"user:{user.pk}") for user in users]
    return Crowd(accounts, bad, origins)


def test_a_storm_of_mixed_callers_keeps_the_books(way: str, sizes: list[int], tally: Tally) -> None:
    crowd = a_crowd()
    before = Transaction.objects.count()
    at_once([partial(crowd.move, seed) for seed in range(THREADS)])
    assert len(crowd.answers) == THREADS * TURNS
    rows = [(one, origin, row) for one, origin, row in crowd.answers if hasattr(row, "id")]
    stored = Transaction.objects.in_bulk([row.id for _, _, row in rows])
    made = [row.id for _, _, row in rows if not isinstance(row, Replay)]
    assert len(set(made)) == len(made) == Transaction.objects.count() - before
    kinds: Counter[str] = Counter()
    for command, origin, answer in crowd.answers:
        kinds[_kind(answer)] += 1
        if isinstance(answer, BankError):
            continue
        row = stored[answer.id]
        assert row.idempotency_key == command.idempotency_key
        assert row.idempotency_caller == (origin.caller if command.idempotency_key else None)
        if isinstance(answer, Replay):
            assert row.request_fingerprint == command.request_fingerprint
            continue
        assert (row.created_by_id, row.type) == (origin.user_id, command.type)
        assert row.status == answer.status
        assert row.failure_code == answer.failure_code
        assert row.amount == command.amount
        side = row.credit_account_id if command.type == "DEPOSIT" else row.debit_account_id
        assert side == command.account_id
        assert (row.debit_sequence, row.credit_sequence) == (
            answer.debit_sequence,
            answer.credit_sequence,
        )
    # The storm had some of everything, and nobody was kept out.
    assert {"COMPLETED", "replay", "not_found", "currency_mismatch"} <= kinds.keys()
    assert {"account_closed", "account_frozen", "insufficient_funds"} <= kinds.keys()
    assert "idempotency_key_reused" in kinds
    assert kinds["busy"] == 0
    assert bool(sizes) == (way == "gathering")
    if sizes:
        assert max(sizes) > 1
        tally.add("groups", len(sizes))
        tally.add("commands in groups", sum(sizes))
    report = verify()
    assert report.ok, "\n".join(report.lines())


def _kind(answer: Any) -> str:
    if isinstance(answer, BankError):
        return answer.code
    if isinstance(answer, Replay):
        return "replay"
    return answer.failure_code or str(answer.status)


def test_one_key_at_once_has_one_effect(way: str) -> None:
    account = make_account()
    origin = Origin(caller="client:1")
    for number in range(5 * SCALE):
        command = Deposit(
            account_id=account.id,
            amount=Decimal(2),
            idempotency_key=f"k{number}",
            request_fingerprint="f",
        )
        answers = at_once([partial(process, [command], origin)] * THREADS)
        assert len({answer.id for (answer,) in answers}) == 1
        assert sum(1 for (answer,) in answers if not isinstance(answer, Replay)) == 1
    account.refresh_from_db()
    assert account.balance == 10 * SCALE


def test_the_last_coin_is_paid_out_once(way: str) -> None:
    account = make_account(balance=5)
    command = Withdraw(account_id=account.id, amount=Decimal(1))
    rows = at_once([partial(run, command)] * THREADS)
    outcomes = Counter(row.failure_code for row in rows)
    assert outcomes == {"": 5, "insufficient_funds": THREADS - 5}
    assert verify().ok


@pytest.mark.postgresql
def test_who_asks_for_another_account_does_not_wait_for_a_locked_one(sizes: list[int]) -> None:
    """Some are in one group with the locked one: they are done when it has fallen apart."""
    locked, free = make_account(balance=9), make_account(balance=9)
    pay = Withdraw(account_id=locked.id, amount=Decimal(1))
    deposit = Deposit(account_id=free.id, amount=Decimal(1))
    with gathered():
        with rival() as session:
            session.lock(locked.id)
            stuck = Thread(partial(run, pay)).start()
            assert until(lambda: waiting_sessions() == 1)
            others = [Thread(partial(run, command)).start() for command in [deposit, pay, deposit]]
            assert [others[index].result().status for index in (0, 2)] == ["COMPLETED"] * 2
            assert stuck.is_alive()
        rows = [stuck.result(), others[1].result()]
    assert [row.status for row in rows] == ["COMPLETED"] * 2
    free.refresh_from_db()
    locked.refresh_from_db()
    assert (free.balance, locked.balance) == (11, 7)
    assert verify().ok


@pytest.mark.postgresql
def test_an_account_that_stays_locked_is_busy_to_who_asks_for_it() -> None:
    locked, free = make_account(balance=9), make_account(balance=9)
    pay = Withdraw(account_id=locked.id, amount=Decimal(1))
    deposit = Deposit(account_id=free.id, amount=Decimal(1))

    def busy() -> str:
        try:
            return str(run(pay).status)
        except Busy as error:
            return error.code

    with gathered(), rival() as session:
        session.lock(locked.id)
        waiting = [Thread(busy).start() for _ in range(3)]
        assert [row.status for row in at_once([partial(run, deposit)] * 6)] == ["COMPLETED"] * 6
        assert [thread.result() for thread in waiting] == ["busy"] * 3
    locked.refresh_from_db()
    assert locked.balance == 9
    assert verify().ok
