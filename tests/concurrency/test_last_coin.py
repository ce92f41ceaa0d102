"""Many clients on few accounts: money is spent once, and there is no deadlock."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from core import clock
from core.commands import Command
from core.errors import HoldNotOpen, InsufficientFunds
from tests.concurrency.bank import Bank
from tests.concurrency.crowd import at_once
from tests.concurrency.interleaving import failures_recorded
from tests.concurrency.server import WITH_AND_WITHOUT
from tests.concurrency.tally import SCALE, Tally
from tests.concurrency.teller import settled
from transactions.commands import (
    Capture,
    ExpireHold,
    PlaceHold,
    Transfer,
    VoidHold,
    Withdraw,
)
from transactions.models import Hold
from transactions.verifier import verify

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


def hold_and_capture(account_id: str, tally: Tally) -> list[str]:
    """Places holds of 10 and captures each in two parts: the codes of their outcomes."""
    codes = []
    for _ in range(WITHDRAWALS_OF_EACH):
        try:
            hold = settled(PlaceHold(account_id=UUID(account_id), amount=Decimal(10)), tally)
        except InsufficientFunds as refusal:
            codes.append(refusal.code)
            continue
        for part in (Decimal(4), None):
            assert settled(Capture(hold_id=hold.pk, amount=part), tally).failure_code == ""
        codes.append("")
    return codes


def test_holds_and_withdrawals_spend_the_last_coin_once(bank: Bank, isolation) -> None:
    isolation("read committed")
    account_id = bank.open(balance=100)
    hands = [hold_and_capture, withdraw_in_process] * (HANDS // 2)
    assert count_codes(at_once([partial(one, account_id, bank.tally) for one in hands])) == SPENT
    assert bank.balance(account_id) == "0.00"
    # The model of `bank.prove` knows no holds, by which most of these refusals came.
    assert verify().ok


def end(command: Command, moment: datetime) -> str:
    """Runs the command about this moment, and returns how the hold or its capture ended."""
    time.sleep(max(0.0, (moment - clock.now()).total_seconds()))
    try:
        return str(settled(command, Tally()).status)
    except HoldNotOpen:
        return "too late"


def test_of_capture_void_and_expiry_exactly_one_wins(bank: Bank, isolation) -> None:
    """Each hold ends once, whatever meets at its expiry, and its money is paid or free."""
    isolation("read committed")
    account_id = bank.open(balance=100)
    for early in (0.0, 0.05):
        expires_at = clock.now() + timedelta(seconds=0.8)
        place = PlaceHold(account_id=UUID(account_id), amount=Decimal(10), expires_at=expires_at)
        hold = settled(place, bank.tally)
        ways: list[Command] = [
            Capture(hold_id=hold.pk),
            VoidHold(hold_id=hold.pk),
            ExpireHold(hold_id=hold.pk),
        ]
        moment = expires_at - timedelta(seconds=early)
        ends = at_once([partial(end, one, moment) for one in ways * 4])
        while Hold.objects.filter(pk=hold.pk, status="OPEN").exists():
            ends.append(end(ExpireHold(hold_id=hold.pk), moment))
        assert len(ends) - ends.count("too late") == 1
    assert verify().ok


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
