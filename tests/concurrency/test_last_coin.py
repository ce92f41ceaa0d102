"""Many clients on few accounts: money is spent once, and there is no deadlock."""

from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from tests.concurrency.bank import Bank
from tests.concurrency.crowd import at_once
from tests.concurrency.interleaving import failures_recorded
from tests.concurrency.server import WITH_AND_WITHOUT
from tests.concurrency.tally import SCALE, Tally
from tests.concurrency.teller import settled
from transactions.commands import Transfer, Withdraw

HANDS = 16
WITHDRAWALS_OF_EACH = 4
ROUNDS = SCALE

# Always 10 of the 64 withdrawals of 10 from an account of 100 succeed.
SPENT = {"": 10, "insufficient_funds": HANDS * WITHDRAWALS_OF_EACH - 10}
LEVELS = [
    "read committed",
    pytest.param("serializable", marks=pytest.mark.postgresql),
]


def count_codes(codes: list[list[str]]) -> dict[str, int]:
    flat = [code for of_one_hand in codes for code in of_one_hand]
    return {code: flat.count(code) for code in sorted(set(flat))}


def withdraw_in_process(account_id: str, tally: Tally) -> list[str]:
    command = Withdraw(account_id=UUID(account_id), amount=Decimal(10))
    return [settled(command, tally).failure_code for _ in range(WITHDRAWALS_OF_EACH)]


def withdraw_over_http(bank: Bank, account_id: str, hand: int) -> list[str]:
    path = f"accounts/{account_id}/withdraw/"
    keys = [f"{account_id}-{hand}-{number}" for number in range(WITHDRAWALS_OF_EACH)]
    answers = [bank.client.settled("POST", path, {"amount": "10.00"}, key=key) for key in keys]
    return [answer.code or "" for answer in answers]


@pytest.mark.parametrize("level", LEVELS)
def test_the_last_coin_is_spent_once_in_process(bank: Bank, isolation, level: str) -> None:
    isolation(level)
    for _ in range(ROUNDS):
        account_id = bank.open(balance=100)
        codes = at_once([partial(withdraw_in_process, account_id, bank.tally)] * HANDS)
        assert count_codes(codes) == SPENT
        bank.tally.add("withdrawals of a last coin", HANDS * WITHDRAWALS_OF_EACH)
    bank.prove()


@WITH_AND_WITHOUT
def test_the_last_coin_is_spent_once_over_http(bank: Bank) -> None:
    for _ in range(ROUNDS):
        account_id = bank.open(balance=100)
        codes = at_once(
            [partial(withdraw_over_http, bank, account_id, hand) for hand in range(HANDS)]
        )
        assert count_codes(codes) == SPENT
        assert bank.balance(account_id) == "0.00"
        bank.tally.add("withdrawals of a last coin", HANDS * WITHDRAWALS_OF_EACH)
    bank.prove()


def transfer_along(source: str, target: str, times: int) -> list[str]:
    """Transfers along the ring; returns the contention met. One attempt each: none is expected."""
    with failures_recorded() as met:
        for _ in range(times):
            row = settled(
                Transfer(
                    account_id=UUID(source), target_account_id=UUID(target), amount=Decimal(7)
                ),
                Tally(),
            )
            assert row.failure_code == ""
    return met


@pytest.mark.parametrize("size", [2, 6], ids=["opposite", "ring"])
def test_nobody_waits_in_a_circle(bank: Bank, isolation, size: int) -> None:
    """All transfer to the next one in a ring at once. Locks have one order, so there is no
    deadlock.

    SERIALIZABLE has other failures, which are no deadlocks.
    """
    isolation("read committed")
    times = 15 * SCALE
    ring = [bank.open(balance=7 * times + position) for position in range(size)]
    met = at_once(
        [
            partial(transfer_along, source, target, times)
            for source, target in zip(ring, [*ring[1:], ring[0]], strict=True)
        ]
    )
    assert met == [[]] * size
    assert [bank.balance(account_id) for account_id in ring] == [
        f"{7 * times + position}.00" for position in range(size)
    ]
    bank.tally.add("transfers in rings", size * times)
    bank.prove()
