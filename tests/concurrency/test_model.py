"""The model's own control: it accepts a right history, and reports each kind of damage to one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.concurrency.model import History, minor_units, violations

A, B = "account-a", "account-b"


def moment(second: int) -> str:
    return f"2026-01-31T09:30:{second:02}.000000Z"


def transaction(number: int, kind: str, amount: str, second: int, **members: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"t{number}",
        "type": kind,
        "status": "COMPLETED",
        "account_id": A,
        "target_account_id": None,
        "amount": amount,
        "failure": None,
        "updated_at": moment(second),
        **members,
    }


def entry(number: int, change: str, sequence: int, after: str, second: int) -> dict[str, Any]:
    return {
        "transaction_id": f"t{number}",
        "side": "DEBIT" if change.startswith("-") else "CREDIT",
        "amount": change,
        "sequence": sequence,
        "balance_after": after,
        "posted_at": moment(second),
    }


def right_history() -> History:
    """10.00 come in, 4.00 are transferred, 7.00 are refused, 6.00 go out."""
    account = {"overdraft_limit": "0.00", "status": "ACTIVE"}
    short = {"status": "FAILED", "failure": {"code": "insufficient_funds"}}
    return History(
        accounts=[
            {"account_id": A, "balance": "0.00", **account},
            {"account_id": B, "balance": "4.00", **account},
        ],
        transactions=[
            transaction(1, "DEPOSIT", "10.00", 1),
            transaction(2, "TRANSFER", "4.00", 2, target_account_id=B),
            transaction(3, "WITHDRAW", "7.00", 3, **short),
            transaction(4, "WITHDRAW", "6.00", 4),
        ],
        entries={
            A: [
                entry(1, "10.00", 1, "10.00", 1),
                entry(2, "-4.00", 2, "6.00", 2),
                entry(4, "-6.00", 3, "0.00", 4),
            ],
            B: [entry(2, "4.00", 1, "4.00", 2)],
        },
    )


def test_it_explains_a_right_history() -> None:
    assert violations(right_history()) == []


def swap_first_entries(history: History) -> None:
    """Puts the transfer before the deposit that it spends."""
    one, other = history.entries[A][:2]
    one["sequence"], other["sequence"] = 2, 1
    one["posted_at"] = other["posted_at"]


def fail_with(history: History, code: str) -> None:
    history.transactions[2]["failure"] = {"code": code}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda h: h.accounts[0].update(balance="0.01"), "account-a: 0.01, replayed 0"),
        (lambda h: h.entries[B][0].update(amount="4.01"), "t2: COMPLETED with the entries"),
        (lambda h: h.entries[A][1].update(balance_after="6.01"), "t2: balance after is 6.01"),
        (lambda h: h.entries[A][2].update(sequence=4), "account-a: sequences are not 1..3"),
        (lambda h: h.entries[B].clear(), "t2: COMPLETED with the entries"),
        (lambda h: h.transactions.pop(0), "t1: entries of no transaction"),
        (
            lambda h: h.entries[A][1].update(posted_at=moment(5)),
            "account-a: posting time runs backwards",
        ),
        (swap_first_entries, "t2: completed, and should have been refused: insufficient_funds"),
        (
            lambda h: h.transactions[2].update(amount="6.00"),
            "t3: refused for no reason: insufficient_funds",
        ),
        (partial(fail_with, code="account_frozen"), "t3: refused for no reason: account_frozen"),
        (partial(fail_with, code="account_closed"), "t3: refused for no reason: account_closed"),
    ],
)
def test_it_names_the_damage(damage: Callable[[History], object], said: str) -> None:
    history = right_history()
    damage(history)
    found = violations(history)
    assert any(said in finding for finding in found), found


@pytest.mark.parametrize("text", ["1", "1.0", "1.000", "1.x0", "", "1,00"])
def test_an_amount_has_the_digits_of_its_currency(text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        minor_units(text)


def test_amounts_below_one_keep_their_sign() -> None:
    assert [minor_units(text) for text in ("-0.05", "0.05", "-12.34")] == [-5, 5, -1234]
