from datetime import UTC, datetime
from decimal import Decimal
from unittest.mock import patch

import pytest
import time_machine
from stdnum.iso7064 import mod_97_10

from accounts.commands import OpenAccount
from accounts.commands import open as opening
from accounts.models import Account, AccountEvent, internal_account_id
from core.commands import Origin
from core.errors import InvalidInput
from core.identifiers import lowest_uuid7, uuid7
from core.money import MAX_AMOUNT
from tests.assertions import nothing_changes, stored
from tests.factories import run

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, 30, 0, 123457, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
def test_an_account_begins_empty_and_its_opening_is_recorded(django_user_model) -> None:
    owner = django_user_model.objects.create_user("customer")
    teller = django_user_model.objects.create_user("teller")
    command = OpenAccount(
        name="Ada Lovelace",
        currency="USD",
        owner_id=owner.id,
        overdraft_limit=Decimal("12.5"),
        metadata={"branch": "North"},
        reason="walk-in",
        idempotency_key="k-1",
        request_fingerprint="f" * 64,
    )
    result = run(
        command,
        Origin(user_id=teller.id, caller="user:7", request_id="r-9", address="192.0.2.9"),
    )

    account = Account.objects.get(pk=command.account_id)
    number = account.number
    assert mod_97_10.is_valid(number)
    assert result == account
    row = Account.objects.filter(pk=account.pk).values().get()
    assert row == {
        "id": command.account_id,
        "number": number,
        "name": "Ada Lovelace",
        "kind": "CUSTOMER",
        "code": "",
        "owner_id": owner.id,
        "customer_id": None,
        "currency": "USD",
        "balance": Decimal(0),
        "held": Decimal(0),
        "overdraft_limit": Decimal("12.5"),
        "max_amount": None,
        "daily_amount": None,
        "daily_count": None,
        "status": "ACTIVE",
        "debits_blocked": False,
        "credits_blocked": False,
        "debits_held": False,
        "broken_rules": "",
        "last_sequence": 0,
        "last_posted_at": None,
        "metadata": {"branch": "North"},
        "idempotency_caller": "user:7",
        "idempotency_key": "k-1",
        "request_fingerprint": "f" * 64,
        "created_at": NOW,
        "updated_at": NOW,
    }
    (event,) = stored(AccountEvent)
    assert event.pop("id") >= lowest_uuid7(NOW)
    assert event == {
        "account_id": account.id,
        "event": "OPENED",
        "actor_id": teller.id,
        "caller": "user:7",
        "reason": "walk-in",
        "before": {},
        "after": {
            "name": "Ada Lovelace",
            "number": number,
            "currency": "USD",
            "owner_id": owner.id,
            "overdraft_limit": "12.50",
            "metadata": {"branch": "North"},
        },
        "request_id": "r-9",
        "address": "192.0.2.9",
        "at": NOW,
    }


def test_the_first_account_in_a_currency_brings_its_cash_account() -> None:
    for currency in ("JPY", "JPY", "BHD"):
        run(OpenAccount(name="Ada", currency=currency))
    cash = (
        Account.objects.filter(kind="INTERNAL")
        .order_by("number")
        .values_list(
            "id", "number", "name", "code", "currency", "balance", "last_sequence", "owner_id"
        )
    )
    assert list(cash) == [
        (internal_account_id("CASH", "BHD"), "CASH-BHD", "Cash BHD", "CASH", "BHD", *[None] * 3),
        (internal_account_id("CASH", "JPY"), "CASH-JPY", "Cash JPY", "CASH", "JPY", *[None] * 3),
    ]
    assert Account.objects.filter(kind="CUSTOMER").count() == 3


def test_an_account_s_id_carries_the_moment_it_was_created() -> None:
    """Lists filtered by date read ranges of ids, so id and `created_at` must agree."""
    with time_machine.travel(NOW, tick=False):
        command = OpenAccount(name="Ada", currency="USD")
    with time_machine.travel(NOW.replace(minute=31), tick=False):
        account = run(command)
    assert account.created_at == NOW
    assert lowest_uuid7(NOW) <= account.id < uuid7(NOW.replace(microsecond=123458))


@pytest.mark.parametrize(
    ("currency", "limit", "code"),
    [
        ("USD", "-0.01", "invalid_amount"),
        ("USD", "NaN", "invalid_amount"),
        ("USD", "0.001", "too_many_decimals"),
        ("JPY", "0.1", "too_many_decimals"),
        ("BHD", "0.0001", "too_many_decimals"),
        ("CLF", "0.00001", "too_many_decimals"),
        ("USD", "100000000000.01", "amount_too_large"),
    ],
)
def test_a_bad_overdraft_limit_leaves_nothing_behind(currency: str, limit: str, code: str) -> None:
    with nothing_changes(), pytest.raises(InvalidInput) as caught:
        run(OpenAccount(name="Ada", currency=currency, overdraft_limit=Decimal(limit)))
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == ("/overdraft_limit", code)


@pytest.mark.parametrize(
    ("currency", "limit"), [("JPY", "1"), ("BHD", "0.001"), ("CLF", "0.0001"), ("USD", MAX_AMOUNT)]
)
def test_a_limit_may_use_all_digits_of_its_currency(currency: str, limit: str | Decimal) -> None:
    account = run(OpenAccount(name="Ada", currency=currency, overdraft_limit=Decimal(limit)))
    account.refresh_from_db()
    assert account.overdraft_limit == Decimal(limit)


def test_a_number_that_is_taken_is_drawn_again() -> None:
    first = run(OpenAccount(name="Ada", currency="USD"))
    numbers = [first.number, first.number, "123456789092"]
    with patch.object(opening, "new_account_number", side_effect=numbers):
        second = run(OpenAccount(name="Grace", currency="USD"))
    assert second.number == "123456789092"
    assert Account.objects.filter(kind="CUSTOMER").count() == 2


def test_drawing_a_number_ends() -> None:
    taken = run(OpenAccount(name="Ada", currency="USD")).number
    with (
        nothing_changes(),
        patch.object(opening, "new_account_number", return_value=taken) as draw,
        pytest.raises(AssertionError, match="No free account number in 5 attempts"),
    ):
        run(OpenAccount(name="Grace", currency="USD"))
    assert draw.call_count == 5
