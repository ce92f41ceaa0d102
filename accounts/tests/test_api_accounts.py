"""GET accounts/."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account
from accounts.states import FreezeScope
from tests.api import API, ApiClient, account_path, bad_fields, shown, staff
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db

PATH = f"{API}accounts/"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


@pytest.fixture
def accounts() -> dict[str, Account]:
    """Accounts by their names, a second apart; the cash accounts come with them."""
    made: dict[str, Account] = {}
    opened = [("Ada 100%", "USD"), ("Bob_a", "EUR"), ("Cy", "USD"), ("Dee", "JPY"), ("ada", "USD")]
    for second, (name, currency) in enumerate(opened):
        with time_machine.travel(NOON + timedelta(seconds=second), tick=False):
            made[name] = make_account(name=name, currency=currency)
    run(FreezeAccount(account_id=made["Bob_a"].id, scope=FreezeScope.DEBITS))
    run(FreezeAccount(account_id=made["Cy"].id, scope=FreezeScope.CREDITS))
    run(CloseAccount(account_id=made["Cy"].id))
    run(FreezeAccount(account_id=made["Dee"].id))
    return made


def names(response: Any) -> list[str]:
    body = response.json()
    assert response.status_code == 200, body
    return [account["name"] for account in body["results"]]


def test_the_list_is_of_whole_accounts_newest_first(
    auditor: ApiClient, accounts: dict[str, Account]
) -> None:
    body = auditor.get(PATH).json()
    assert body == {
        "next": None,
        "previous": None,
        "results": [
            auditor.get(account_path(account)).json() for account in reversed(accounts.values())
        ],
    }
    assert len(body["results"]) == 5


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "ACTIVE"}, ["ada", "Ada 100%"]),
        ({"status": "FROZEN"}, ["Dee", "Bob_a"]),
        ({"status": "CLOSED"}, ["Cy"]),
        ({"currency": "USD"}, ["ada", "Cy", "Ada 100%"]),
        ({"currency": "CHF"}, []),
        ({"search": "ADA"}, ["ada", "Ada 100%"]),
        ({"search": "%"}, ["Ada 100%"]),
        ({"search": "_"}, ["Bob_a"]),
        ({"search": "CASH"}, []),
        ({"created_after": shown(NOON + timedelta(seconds=3))}, ["ada", "Dee"]),
        ({"created_after": shown(NOON + timedelta(seconds=3) + MICROSECOND)}, ["ada"]),
        ({"created_before": shown(NOON + timedelta(seconds=1))}, ["Ada 100%"]),
        (
            {"created_before": shown(NOON + timedelta(seconds=1) + MICROSECOND)},
            ["Bob_a", "Ada 100%"],
        ),
        ({"status": "ACTIVE", "currency": "USD", "search": "100"}, ["Ada 100%"]),
    ],
)
def test_each_filter_narrows(
    auditor: ApiClient, accounts: dict[str, Account], query: dict[str, str], expected: list[str]
) -> None:
    assert names(auditor.get(f"{PATH}?{urlencode(query)}")) == expected


def test_an_account_is_found_by_the_beginning_of_its_number(
    auditor: ApiClient, accounts: dict[str, Account]
) -> None:
    number = accounts["Dee"].number
    assert names(auditor.get(f"{PATH}?search={number[:9]}")) == ["Dee"]
    assert names(auditor.get(f"{PATH}?search={number}")) == ["Dee"]
    assert names(auditor.get(f"{PATH}?search={number[3:]}")) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("status", "BLOCKED", "invalid_choice"),
        ("currency", "usd", "unknown_currency"),
        ("search", "", "blank"),
        ("search", "a\x00", "invalid_character"),
        ("created_after", "yesterday", "invalid"),
        ("created_before", "2026-03-01T12:00:00", "invalid"),
        ("page_size", "201", "invalid_page_size"),
        ("cursor", "x", "invalid_cursor"),
        ("type", "DEPOSIT", "unknown_field"),
        ("owner", "ada", "unknown_field"),
        ("kind", "INTERNAL", "unknown_field"),
        ("ordering", "name", "unknown_field"),
    ],
)
def test_a_bad_value_is_named(auditor: ApiClient, name: str, value: str, code: str) -> None:
    assert bad_fields(auditor.get(f"{PATH}?{urlencode({name: value})}")) == [(name, code)]
