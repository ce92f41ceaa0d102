"""One key for a batch and another request at once: the second one is refused.

The second one begins when the first has written everything and not committed. They share no
account, so only the key connects them. Without the guards of keys both succeed.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from accounts.commands import OpenAccount
from accounts.models import Account
from core.errors import IdempotencyKeyReused
from tests.concurrency import removals
from tests.concurrency.interleaving import Steps, failures_recorded
from tests.factories import ORIGIN, make_account, run
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Deposit, MoneyCommand
from transactions.models import Batch, Transaction

pytestmark = pytest.mark.django_db(transaction=True)

Request = Callable[[], Any]


def keyed(key: str, request: str) -> dict[str, Any]:
    return {"idempotency_key": key, "request_fingerprint": request}


def batch_of_the_key(key: str) -> Request:
    account_id = make_account().id
    items: list[MoneyCommand] = [Deposit(account_id=account_id, amount=Decimal(2))]
    return partial(post_batch, BatchRequest(items, False, **keyed(key, "batch")), ORIGIN)


def batch_with_the_key_of_an_item(key: str) -> Request:
    """The key's item is one of a hundred, so their keys use all the locks for keys."""
    account_id = make_account().id
    items: list[MoneyCommand] = [
        Deposit(
            account_id=account_id, amount=Decimal(number + 1), **keyed(f"{key}{suffix}", "item")
        )
        for number, suffix in enumerate([*range(99), ""])
    ]
    return partial(post_batch, BatchRequest(items, False, f"{key} of all"), ORIGIN)


def deposit(key: str) -> Request:
    command = Deposit(account_id=make_account().id, amount=Decimal(3), **keyed(key, "deposit"))
    return partial(run, command)


def opening(key: str) -> Request:
    return partial(run, OpenAccount(name="Ada", currency="USD", **keyed(key, "opening")))


BATCHES = [batch_of_the_key, batch_with_the_key_of_an_item]
PAIRS = [
    pair
    for pair in permutations([*BATCHES, deposit, opening], 2)
    if pair[0] in BATCHES or pair[1] in BATCHES
]


def uses_of(key: str) -> int:
    return (
        Transaction.objects.filter(idempotency_key=key).count()
        + Account.objects.filter(idempotency_key=key).count()
        + Batch.objects.filter(idempotency_key=key).count()
    )


def test_the_key_is_the_first_one_s(
    monkeypatch: pytest.MonkeyPatch, isolation: Callable[[str], None]
) -> None:
    isolation("read committed")
    contention: list[str] = []

    def watched(request: Request) -> Any:
        with failures_recorded() as failures:
            try:
                return request()
            finally:
                contention.extend(failures)

    steps = Steps.written(monkeypatch)
    for number, (first, second) in enumerate(PAIRS):
        key = f"key-{number}"
        done, refused = steps.run(*[partial(watched, make(key)) for make in (first, second)])
        told = f"{first.__name__}, then {second.__name__}"
        ended = [type(each) for each in (done, refused) if isinstance(each, Exception)]
        assert ended == [IdempotencyKeyReused], told
        assert uses_of(key) == 1, told
        assert contention == [], told


def test_without_its_guards_a_key_is_used_twice(
    monkeypatch: pytest.MonkeyPatch, isolation: Callable[[str], None]
) -> None:
    isolation("read committed")
    removals.drop_key_guards()
    steps = Steps.written(monkeypatch)
    for other in (deposit, opening):
        key = other.__name__
        results = steps.run(batch_of_the_key(key), other(key))
        assert [isinstance(result, Exception) for result in results] == [False, False]
        assert uses_of(key) == 2
