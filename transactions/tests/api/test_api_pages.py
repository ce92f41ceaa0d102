"""Pages of every list, both ways and while it grows, in a constant number of statements."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.commands import Command
from tests.api import (
    API,
    ApiClient,
    account_path,
    bad_fields,
    client_without_login_queries,
    make_user,
    staff,
)
from tests.factories import ORIGIN, deposit, make_account
from transactions.commands import Transfer
from transactions.ledger.processor import process

pytestmark = pytest.mark.django_db

LISTS = ["accounts", "transactions", "history", "entries"]


class Bank:
    """Two accounts of Ada with transfers between them, and others around."""

    def __init__(self) -> None:
        self.ada = make_user("ada")
        self.one = make_account(balance=10**6, owner_id=self.ada.id)
        self.other = make_account(owner_id=self.ada.id)

    def grow(self, count: int, *, accounts: bool = True) -> None:
        """Adds this many rows to each list, but accounts only with `accounts`."""
        commands: list[Command] = [
            Transfer(
                account_id=self.one.id,
                target_account_id=self.other.id,
                amount=Decimal(1 + index),
            )
            for index in range(count)
        ]
        process(commands, ORIGIN)
        for _ in range(count if accounts else 0):
            make_account(owner_id=self.ada.id)

    def path(self, name: str) -> str:
        return {
            "accounts": f"{API}accounts/",
            "transactions": f"{API}transactions/",
            "history": account_path(self.one, "transactions"),
            "entries": account_path(self.one, "entries"),
        }[name]


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


def key(result: dict[str, Any]) -> str:
    """The value that identifies a row of any of the lists and orders them."""
    if "sequence" in result:
        return f"{result['sequence']:09}"
    return str(result.get("transaction_id") or result["account_id"])


def keys(page: dict[str, Any]) -> list[str]:
    return [key(result) for result in page["results"]]


def walk(client: ApiClient, url: str, direction: str) -> list[list[str]]:
    """The pages from here on, following `next` or `previous`."""
    pages = []
    following: str | None = url
    while following:
        response = client.get(following)
        assert response.status_code == 200
        pages.append(keys(response.json()))
        following = response.json()[direction]
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_walked_forth_and_back(auditor: ApiClient, bank: Bank, name: str) -> None:
    bank.grow(7)
    whole = auditor.get(bank.path(name)).json()
    assert (whole["next"], whole["previous"]) == (None, None)
    everything = keys(whole)
    assert len(everything) >= 8
    assert everything == sorted(set(everything), reverse=True)

    pages = walk(auditor, f"{bank.path(name)}?page_size=3", "next")
    assert [row for page in pages for row in page] == everything
    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)

    last = auditor.get(f"{bank.path(name)}?page_size=3")
    while last.json()["next"]:
        last = auditor.get(last.json()["next"])
    back = walk(auditor, last.json()["previous"], "previous")
    assert [row for page in reversed(back) for row in page] == everything[: -len(pages[-1])]
    assert auditor.get(f"{bank.path(name)}?page_size=3").json()["previous"] is None


@pytest.mark.parametrize("name", LISTS)
def test_a_walk_returns_what_was_there_once_while_the_list_grows(
    auditor: ApiClient, bank: Bank, name: str
) -> None:
    bank.grow(6)
    there = keys(auditor.get(bank.path(name)).json())
    walked: list[str] = []
    url: str | None = f"{bank.path(name)}?page_size=2"
    while url:
        page = auditor.get(url).json()
        walked += keys(page)
        url = page["next"]
        bank.grow(1)
    assert walked == there
    assert len(auditor.get(bank.path(name)).json()["results"]) > len(there)


@pytest.mark.parametrize("name", LISTS)
def test_a_page_has_up_to_200_rows_and_50_unless_asked(
    auditor: ApiClient, bank: Bank, name: str
) -> None:
    bank.grow(201)
    for query, size in (("", 50), ("?page_size=1", 1), ("?page_size=200", 200)):
        page = auditor.get(bank.path(name) + query).json()
        assert (len(page["results"]), page["next"] is None, page["previous"]) == (size, False, None)


def test_cursors_keep_filters_and_are_for_one_list_only(auditor: ApiClient, bank: Bank) -> None:
    bank.grow(4)
    deposit(bank.one, 7)
    filtered = auditor.get(f"{bank.path('transactions')}?page_size=2&type=TRANSFER").json()
    rest = auditor.get(filtered["next"]).json()
    assert {row["type"] for row in filtered["results"] + rest["results"]} == {"TRANSFER"}
    assert rest["next"] is None

    cursors = {
        name: auditor.get(f"{bank.path(name)}?page_size=1").json()["next"].split("cursor=")[1]
        for name in LISTS
    }
    cursors["a history of another account"] = (
        auditor.get(f"{account_path(bank.other, 'transactions')}?page_size=1")
        .json()["next"]
        .split("cursor=")[1]
    )
    cursors["broken"] = "x" + cursors["accounts"][1:]
    for name in LISTS:
        for origin, cursor in cursors.items():
            response = auditor.get(f"{bank.path(name)}?cursor={cursor}")
            if origin == name:
                assert response.status_code == 200
            else:
                assert bad_fields(response) == [("cursor", "invalid_cursor")]


def statements(client: ApiClient, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


# Statements for staff and for a customer, who sees own accounts only.
EXPECTED = {"accounts": (1, 1), "transactions": (1, 2), "history": (1, 2), "entries": (2, 2)}


@pytest.mark.parametrize("name", LISTS)
def test_a_page_costs_the_same_statements_whatever_its_length(bank: Bank, name: str) -> None:
    clients: list[Callable[[], Any]] = [
        lambda: make_user("auditor", role="auditor"),
        lambda: bank.ada,
    ]
    for make, expected in zip(clients, EXPECTED[name], strict=True):
        client = client_without_login_queries(make())
        assert statements(client, f"{bank.path(name)}?page_size=1") == expected
        bank.grow(40, accounts=name == "accounts")
        assert statements(client, f"{bank.path(name)}?page_size=1") == expected
        bank.grow(70, accounts=name == "accounts")
        response = client.get(f"{bank.path(name)}?page_size=100")
        assert len(response.json()["results"]) == 100
        assert statements(client, f"{bank.path(name)}?page_size=100") == expected
        assert statements(client, response.json()["next"]) == expected
