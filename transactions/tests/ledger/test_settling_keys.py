"""Lists that meet a taken key: how often they are retried, and which key the error names."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.errors import IdempotencyKeyReused
from tests.factories import ORIGIN, make_account
from transactions.commands import Deposit
from transactions.ledger.idempotency import find_known, is_same, with_new_keys
from transactions.ledger.processor import process
from transactions.models import Batch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("stored", "asked", "earlier", "expected"),
    [
        ("a", "a", "", True),
        ("a", "b", "a", True),
        ("a", "b", "", False),
        ("a", "b", "c", False),
        # A stored request without a fingerprint never equals one that has it.
        ("", "b", "", False),
        (None, "b", "", False),
    ],
)
def test_which_fingerprints_are_the_same(
    stored: str | None, asked: str, earlier: str, expected: bool
) -> None:
    request = SimpleNamespace(request_fingerprint=asked, earlier_fingerprint=earlier)
    assert is_same(request, stored) is expected


def batch() -> Batch:
    return Batch(id=uuid4(), caller="job:tests", atomic=False, created_at=timezone.now())


@pytest.mark.parametrize(("conflicts", "attempts"), [(0, 1), (1, 2), (2, 3)])
def test_a_batch_is_run_again_when_a_key_has_just_been_used(conflicts: int, attempts: int) -> None:
    tried: list[int] = []

    def run() -> list[Any]:
        tried.append(len(tried))
        if len(tried) <= conflicts:
            raise IntegrityError("a key")
        return ["done"]

    assert with_new_keys(run, batch()) == ["done"]
    assert len(tried) == attempts


def test_a_batch_is_not_run_for_ever() -> None:
    tried: list[int] = []

    def run() -> list[Any]:
        tried.append(len(tried))
        raise IntegrityError("a key")

    with pytest.raises(IntegrityError):
        with_new_keys(run, batch())
    assert len(tried) == 3


def test_of_several_keys_in_use_the_first_is_named() -> None:
    account = make_account()

    def keyed(number: int, request: str) -> Deposit:
        return Deposit(
            account_id=account.id,
            amount=Decimal(number),
            idempotency_key=f"key-{number}",
            request_fingerprint=request,
        )

    process([keyed(number, "one") for number in (3, 2)], ORIGIN)
    with pytest.raises(IdempotencyKeyReused) as raised:
        find_known([keyed(number, "another") for number in (1, 2, 3)], ORIGIN)
    assert raised.value.index == 1
