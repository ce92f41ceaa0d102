"""Sessions that lock in the wrong order, or for too long: clients get `busy` at worst."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from uuid import UUID

import psycopg
import pytest

from core import contention
from tests.assertions import everything
from tests.concurrency.bank import Bank
from tests.concurrency.crowd import Thread
from tests.concurrency.interleaving import Rival, failures_recorded, rival, until, waiting_sessions
from tests.concurrency.teller import settled
from tests.http import Answer
from transactions.commands import Transfer
from transactions.ledger.writer import JournalRow

pytestmark = pytest.mark.postgresql

DEADLOCK = "40P01"  # SQLSTATE
ROUNDS = 5


def ordered_accounts(bank: Bank) -> tuple[str, str]:
    """Two accounts, in the order in which the bank locks them."""
    first, second = sorted([bank.open(balance=100), bank.open(balance=50)])
    return first, second


def transfer_in_process(bank: Bank, source: str, target: str) -> tuple[JournalRow, list[str]]:
    command = Transfer(
        account_id=UUID(source), target_account_id=UUID(target), amount=Decimal("12.34")
    )
    with failures_recorded() as met:
        return settled(command, bank.tally), met


def cross(session: Rival, first: str) -> bool:
    """Makes the rival, which holds the second account, lock the first one and release it again.

    Returns whether it got the lock. If so, PostgreSQL has ended the bank's attempt, not the
    rival's.
    """
    session.session.execute("SAVEPOINT crossing")
    try:
        session.lock(first)
        won = True
    except psycopg.errors.DeadlockDetected:
        won = False
    session.session.execute("ROLLBACK TO SAVEPOINT crossing")
    return won


def test_a_deadlock_with_a_rival_is_tried_again(bank: Bank) -> None:
    first, second = ordered_accounts(bank)
    # PostgreSQL ends the session that has waited for a second first. On a slow machine that may be
    # the rival.
    for _ in range(ROUNDS):
        with rival() as session:
            session.lock(second)
            transfer = Thread(partial(transfer_in_process, bank, first, second)).start()
            assert until(lambda: waiting_sessions() == 1)
            won = cross(session, first)
        row, met = transfer.result()
        assert row.failure_code == ""
        if won and DEADLOCK in met:
            bank.tally.add("deadlocks provoked")
            break
    else:
        raise AssertionError(f"No deadlock in {ROUNDS} rounds.")
    bank.prove()


def test_without_another_attempt_a_deadlock_would_be_the_clients(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: only the retry turns a deadlock into a transfer."""
    monkeypatch.setattr(contention, "_ATTEMPTS", 1)
    first, second = ordered_accounts(bank)
    for _ in range(ROUNDS):
        with rival() as session:
            session.lock(second)
            transfer = Thread(partial(transfer_in_process, bank, first, second)).start()
            assert until(lambda: waiting_sessions() == 1)
            won = cross(session, first)
        _row, _met = transfer.result()
        if won:
            break
    assert won
    assert bank.tally["answers busy"] > 0
    bank.prove()


def test_deadlocks_without_end_are_answered_busy(bank: Bank) -> None:
    first, second = ordered_accounts(bank)
    before = everything()
    body = {"target_account_id": second, "amount": "12.34"}
    post = partial(bank.client.post, f"accounts/{first}/transfer/", body, key="crossed")
    with rival() as session:
        session.lock(second)
        request = Thread(post).start()
        while request.is_alive():
            if until(lambda: waiting_sessions() == 1, seconds=0.1) and cross(session, first):
                bank.tally.add("deadlocks provoked")
        assert_busy(request.result())
        assert everything() == before
    # The key is still free, so the same request now takes effect.
    assert_moves(bank, post, first)
    bank.prove()


def test_a_lock_held_for_too_long_is_answered_busy(bank: Bank) -> None:
    first, second = ordered_accounts(bank)
    others = ordered_accounts(bank)
    before = everything()
    path, body = f"accounts/{first}/transfer/", {"target_account_id": second, "amount": "12.34"}
    post = partial(bank.client.post, path, body, key="held")
    with rival() as session:
        session.lock(second)
        request = Thread(post).start()
        assert until(lambda: waiting_sessions() == 1)
        # A partial effect would be a changed first account, or a row that waits.
        assert everything() == before
        assert_busy(request.result())
        assert everything() == before
        # Other accounts need not wait.
        elsewhere = {"target_account_id": others[1], "amount": "1.00"}
        assert bank.client.post(f"accounts/{others[0]}/transfer/", elsewhere).status == 200
    bank.tally.add("lock time-outs")
    assert_moves(bank, post, first)
    bank.prove()


def assert_busy(answer: Answer) -> None:
    assert (answer.status, answer.code, answer.body["retryable"]) == (503, "busy", True)
    assert int(answer.headers["retry-after"]) >= 1
    assert "transaction_id" not in answer.body


def assert_moves(bank: Bank, post: Callable[[], Answer], source: str) -> None:
    answer = post()
    assert (answer.status, answer.replayed, answer.body["amount"]) == (200, False, "12.34")
    assert answer.body["balance_after"] == bank.balance(source)
