"""Valid idempotency keys, and equality of requests."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.api.idempotency import MAX_KEY_LENGTH, check_key, fingerprint, replay_headers
from core.api.parsers import loads
from core.errors import InvalidInput

ACCOUNT = UUID("019ab0c4-9f10-7b33-8000-8a1d55e20c64")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "key", ["a", "!", "~", "0" * MAX_KEY_LENGTH, "pay/2026-01-31#1", "8e03978e-40d5-43dd-bc93"]
)
def test_visible_ascii_is_a_key(key: str) -> None:
    check_key(key, pointer="Idempotency-Key")


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "a\n", "\x00", "\x7f", "é", "٣", "x" * (MAX_KEY_LENGTH + 1), "x" * 1000]
)
def test_anything_else_is_refused_and_named(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_key(key, pointer="Idempotency-Key")
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == ("Idempotency-Key", "invalid_key")


def test_the_fingerprint_is_a_digest_that_stays() -> None:
    """Fingerprints are stored forever: another algorithm would turn every replay into a 422."""
    content = {"account_id": ACCOUNT, "amount": Decimal("1.50"), "description": "Rent"}
    assert (
        fingerprint("deposit", content)
        == "3aa24e2c3176214dfa707e13ec283fcc9d62d484b4aa79fafbbd89fff53fab27"
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":"1.5","description":"Rent"}',
        b'{"description":"Rent","amount":"1.50"}',
        b' { "amount" : 1.50 ,\n\t"description" : "Rent" }\r\n',
        b'{"amount":1.5000,"description":"\\u0052ent"}',
    ],
)
def test_order_blanks_and_zeros_make_no_difference(body: bytes) -> None:
    parsed = loads(body)
    content = {**parsed, "amount": Decimal(parsed["amount"])}
    assert fingerprint("deposit", content) == fingerprint(
        "deposit", {"amount": Decimal("1.5"), "description": "Rent"}
    )


BASE: dict[str, Any] = {"account_id": ACCOUNT, "amount": Decimal("10"), "at": NOON}


@pytest.mark.parametrize(
    ("operation", "content"),
    [
        ("withdraw", BASE),
        ("deposit", {**BASE, "amount": Decimal("100")}),
        ("deposit", {**BASE, "amount": Decimal("1")}),
        ("deposit", {**BASE, "amount": "10"} | {"description": ""}),
        ("deposit", {**BASE, "account_id": UUID(int=ACCOUNT.int + 1)}),
        ("deposit", {**BASE, "at": NOON.replace(microsecond=1)}),
        ("deposit", {name: value for name, value in BASE.items() if name != "at"}),
    ],
)
def test_any_other_content_is_another_request(operation: str, content: dict[str, Any]) -> None:
    assert fingerprint(operation, content) != fingerprint("deposit", BASE)


def test_the_same_moment_at_another_offset_is_the_same() -> None:
    there = datetime.fromisoformat("2026-01-31T13:00:00+01:00")
    assert fingerprint("deposit", {**BASE, "at": there}) == fingerprint("deposit", BASE)


def test_a_replay_says_so() -> None:
    assert replay_headers(True) == {"Idempotent-Replayed": "true"}
    assert replay_headers(False) == {}
