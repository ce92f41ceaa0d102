"""The model's own control: it explains a right history, and names each kind of damage to it."""

from copy import deepcopy
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


def entry(number: int, side: str, amount: str, sequence: int, after: str, second: int) -> Any:
    return {
        "transaction_id": f"t{number}",
        "side": side,
        "amount": amount,
        "sequence": sequence,
        "balance_after": after,
        "posted_at": moment(second),
    }


def right_history() -> History:
    """10.00 come in, 4.00 go over, 7.00 are refused, 6.00 go out."""
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
                entry(1, "CREDIT", "10.00", 1, "10.00", 1),
                entry(2, "DEBIT", "-4.00", 2, "6.00", 2),
                entry(4, "DEBIT", "-6.00", 3, "0.00", 4),
            ],
            B: [entry(2, "CREDIT", "4.00", 1, "4.00", 2)],
        },
    )


def test_it_explains_a_right_history() -> None:
    assert violations(right_history()) == []


def damaged(history: History, damage: str) -> History:
    history = deepcopy(history)
    of_a, of_b = history.entries[A], history.entries[B]
    match damage:
        case "a balance":
            history.accounts[0]["balance"] = "0.01"
        case "an amount of one side":
            of_b[0]["amount"] = "4.01"
        case "a balance after":
            of_a[1]["balance_after"] = "6.01"
        case "a gap":
            of_a[2]["sequence"] = 4
        case "a lost entry":
            of_b.clear()
        case "an orphan":
            del history.transactions[0]
        case "time running backwards":
            of_a[1]["posted_at"] = moment(5)
        case "an overdraft":
            of_a[0], of_a[1] = of_a[1] | {"sequence": 1}, of_a[0] | {"sequence": 2}
            of_a[0]["posted_at"] = of_a[1]["posted_at"]
        case "a refusal for no reason":
            history.transactions[2]["amount"] = "6.00"
        case "a freeze that never was":
            history.transactions[2]["failure"] = {"code": "account_frozen"}
        case "a closing that never was":
            history.transactions[2]["failure"] = {"code": "account_closed"}
    return history


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("a balance", "account-a: 0.01, replayed 0"),
        ("an amount of one side", "t2: COMPLETED with the entries"),
        ("a balance after", "t2: balance after is 6.01"),
        ("a gap", "account-a: sequences are not 1..3"),
        ("a lost entry", "t2: COMPLETED with the entries"),
        ("an orphan", "t1: entries of no transaction"),
        ("time running backwards", "account-a: posting time runs backwards"),
        ("an overdraft", "t2: completed, and should have been refused: insufficient_funds"),
        ("a refusal for no reason", "t3: refused for no reason: insufficient_funds"),
        ("a freeze that never was", "t3: refused for no reason: account_frozen"),
        ("a closing that never was", "t3: refused for no reason: account_closed"),
    ],
)
def test_it_names_the_damage(damage: str, said: str) -> None:
    found = violations(damaged(right_history(), damage))
    assert any(said in finding for finding in found), found


@pytest.mark.parametrize("text", ["1", "1.0", "1.000", "1.x0", "", "1,00"])
def test_an_amount_has_the_digits_of_its_currency(text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        minor_units(text)


def test_amounts_below_one_keep_their_sign() -> None:
    assert [minor_units(text) for text in ("-0.05", "0.05", "-12.34")] == [-5, 5, -1234]
