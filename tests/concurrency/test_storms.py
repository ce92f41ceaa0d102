"""Retry storms: concurrent requests with one key have one effect, on every database."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.concurrency.bank import Bank
from tests.concurrency.crowd import at_once
from tests.concurrency.server import WITH_AND_WITHOUT
from tests.concurrency.tally import SCALE
from tests.http import Answer
from transactions.models import Transaction

TWINS = 16
KEYS = 20 * SCALE
KEYS_WITH_DIFFERING_BODIES = 10 * SCALE
# Every n-th storm is a transfer that the account cannot pay, because a key keeps refusals too.
EVERY_NTH_IS_REFUSED = 5


def storm(bank: Bank, path: str, bodies: list[Any]) -> tuple[str, list[Answer]]:
    """Sends all bodies at once, with one new key."""
    key = str(uuid4())
    send = partial(bank.client.settled, "POST", path, key=key)
    answers = at_once([partial(send, body) for body in bodies])
    bank.tally.add("requests in retry storms", len(bodies))
    return key, answers


def without_request_id(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status, {k: v for k, v in answer.body.items() if k != "request_id"}


@WITH_AND_WITHOUT
def test_identical_requests_at_once_have_one_effect(bank: Bank) -> None:
    source, target = bank.open(balance=1000), bank.open(balance=1)
    opened = Transaction.objects.count()
    for number in range(1, KEYS + 1):
        amount = "5000.00" if number % EVERY_NTH_IS_REFUSED == 0 else f"{number}.50"
        body = {"target_account_id": target, "amount": amount}
        key, answers = storm(bank, f"accounts/{source}/transfer/", [body] * TWINS)
        # All responses are equal, except that all but one are marked as replays.
        assert [without_request_id(answer) for answer in answers] == [
            without_request_id(answers[0])
        ] * TWINS
        assert Counter(answer.replayed for answer in answers) == {True: TWINS - 1, False: 1}
        stored = Transaction.objects.get(idempotency_key=key)
        assert answers[0].body["transaction_id"] == str(stored.id)
        assert (answers[0].status, stored.status) == (
            (400, "FAILED") if amount == "5000.00" else (200, "COMPLETED")
        )
    assert Transaction.objects.count() == opened + KEYS
    bank.prove()


def test_accounts_opened_at_once_under_one_key_are_one(bank: Bank) -> None:
    body = {"name": "Ada", "currency": "USD", "initial_balance": "12.34"}
    _key, answers = storm(bank, "accounts/", [body] * TWINS)
    assert [without_request_id(answer) for answer in answers] == [
        without_request_id(answers[0])
    ] * TWINS
    assert Counter(answer.replayed for answer in answers) == {True: TWINS - 1, False: 1}
    assert answers[0].status == 201
    history = bank.prove()
    assert [account["balance"] for account in history.accounts] == ["12.34"]
    assert len(history.transactions) == 1


@WITH_AND_WITHOUT
@pytest.mark.parametrize("where", ["one account", "two accounts"])
def test_differing_requests_at_once_have_the_effect_of_one(bank: Bank, where: str) -> None:
    """Two accounts share no lock, so only the key decides."""
    accounts = [bank.open(balance=1000), bank.open(balance=1000)]
    opened = Transaction.objects.count()
    for _ in range(KEYS_WITH_DIFFERING_BODIES // 2):
        key = str(uuid4())
        requests = [
            (accounts[number % 2 if where == "two accounts" else 0], f"{number + 1}.25")
            for number in range(TWINS)
        ]
        answers = at_once(
            [
                partial(
                    bank.client.settled,
                    "POST",
                    f"accounts/{account_id}/withdraw/",
                    {"amount": amount},
                    key=key,
                )
                for account_id, amount in requests
            ]
        )
        bank.tally.add("requests in retry storms", TWINS)
        outcomes = Counter((answer.status, answer.code) for answer in answers)
        assert outcomes == {(200, None): 1, (422, "idempotency_key_reused"): TWINS - 1}
        (winner,) = [
            (answer.body["account_id"], answer.body["amount"])
            for answer in answers
            if answer.status == 200
        ]
        stored = Transaction.objects.get(idempotency_key=key)
        assert winner in requests
        assert winner == (str(stored.debit_account_id), f"{stored.amount:.2f}")
    assert Transaction.objects.count() == opened + KEYS_WITH_DIFFERING_BODIES // 2
    bank.prove()
