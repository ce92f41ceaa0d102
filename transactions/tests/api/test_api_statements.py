"""The number of SQL statements of each route, without authentication: exact, on both databases."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import FreezeAccount
from accounts.models import Account
from tests.api import API, ApiClient, account_path, client_without_login_queries, make_user
from tests.assertions import BULK_INSERT, SHORT_WRITE
from tests.factories import make_account, run
from transactions.commands import Transfer

pytestmark = pytest.mark.django_db(transaction=True)

MONEY = ["BEGIN", "SELECT", *SHORT_WRITE, "COMMIT"]
REFUSED = ["BEGIN", "SELECT", BULK_INSERT, "COMMIT"]
LEFT_NOTHING = ["BEGIN", "SELECT", "ROLLBACK"]
# The bank's clock is PostgreSQL's, and the process's own on SQLite.
CLOCK = ["SELECT"] if connection.vendor == "postgresql" else []
# Lock; for each change read, write, and the event.
CHANGE = ["SELECT", "INSERT", "UPDATE"]
# A new name: the owner's name, and the words that a search finds, old and new.
RENAMING = ["SELECT", "SELECT", "DELETE", "INSERT", "INSERT", "UPDATE"]
# The owner's name, unless it was read for the words.
END = ["COMMIT", "SELECT"]


@pytest.fixture
def account() -> Account:
    owner = make_user("ada")
    return make_account(balance=100, owner_id=owner.id)


@pytest.fixture
def target() -> Account:
    return make_account(balance=7)


@pytest.fixture
def supervisor() -> ApiClient:
    return client_without_login_queries(make_user("supervisor", role="supervisor"))


@pytest.fixture
def customer(account: Account) -> ApiClient:
    assert account.owner is not None
    return client_without_login_queries(account.owner)


def words(response_of: Any) -> tuple[int, list[str]]:
    """The status, and the first word of each statement."""
    with CaptureQueriesContext(connection) as queries:
        response = response_of()
    texts = [query["sql"].strip().split("times: ")[-1] for query in queries]
    return response.status_code, [text.split()[0].rstrip(";") for text in texts]


def test_money_is_at_most_five_statements(
    supervisor: ApiClient, customer: ApiClient, account: Account, target: Account
) -> None:
    transfer = {"target_account_id": str(target.id), "amount": "2"}
    for route, body in (
        ("deposit", {"amount": "5"}),
        ("withdraw", {"amount": "3"}),
        ("transfer", transfer),
    ):
        path = account_path(account, route)
        assert words(lambda path=path, body=body: supervisor.post(path, body)) == (200, MONEY)
    # The account's row decides on a customer's right.
    path = account_path(account, "transfer")
    assert words(lambda: customer.post(path, transfer)) == (200, ["SELECT", *MONEY])


def test_a_refusal_is_four_and_what_leaves_nothing_is_three(
    supervisor: ApiClient, account: Account, target: Account
) -> None:
    run(FreezeAccount(account_id=target.id))
    for route, body, expected in (
        ("withdraw", {"amount": "1000"}, (400, REFUSED)),
        ("transfer", {"target_account_id": target.id, "amount": "1"}, (409, REFUSED)),
        ("transfer", {"target_account_id": account.id, "amount": "1"}, (400, LEFT_NOTHING)),
        ("deposit", {"amount": "0.001"}, (400, LEFT_NOTHING)),
        ("deposit", {"amount": "x"}, (400, [])),
    ):
        path = account_path(account, route)
        assert words(lambda path=path, body=body: supervisor.post(path, body)) == expected


def changes() -> Iterator[tuple[str, str, dict[str, Any], list[str]]]:
    locked = ["BEGIN", "SELECT"]
    changed = [*locked, *CHANGE, *END]
    yield "patch", "", {"name": "Grace"}, [*locked, *RENAMING, "COMMIT"]
    yield "patch", "", {"name": "Ada", "metadata": {"a": "1"}}, [*locked, *RENAMING, *CHANGE, *END]
    yield "post", "overdraft_limit", {"overdraft_limit": "5", "reason": "Agreed"}, changed
    yield "post", "freeze", {"reason": "Order"}, changed
    yield "post", "unfreeze", {"reason": "Lifted"}, changed


def test_a_change_of_an_account_is_three_statements_under_its_lock(
    supervisor: ApiClient, account: Account
) -> None:
    for method, action, body, expected in changes():
        send = getattr(supervisor, method)
        path = account_path(account, action)
        found = words(lambda send=send, path=path, body=body: send(path, body))
        assert found == (200, expected)


def test_if_match_reads_the_account_under_its_lock(supervisor: ApiClient, account: Account) -> None:
    path = account_path(account)
    tag = supervisor.get(path)["ETag"]
    for sent, status, end in (
        ('"x"', 412, ["ROLLBACK"]),
        (tag, 200, [*RENAMING, "COMMIT"]),
    ):
        headers = {"If-Match": sent}
        found = words(
            lambda headers=headers: supervisor.patch(path, {"name": "A"}, headers=headers)
        )
        assert found == (status, ["BEGIN", "SELECT", "SELECT", *end])


def test_closing_asks_for_what_is_pending_as_well(supervisor: ApiClient) -> None:
    path = account_path(make_account(), "close")
    assert words(lambda: supervisor.post(path, {"reason": "Moved"})) == (
        200,
        ["BEGIN", "SELECT", "SELECT", *CHANGE, "COMMIT"],
    )


def test_opening(supervisor: ApiClient) -> None:
    """The times of id and posting; cash account, account (its number may be taken), words, event.

    With an owner: the user, the user's customer, and the owner's name for the words.
    """
    inserted = ["INSERT", "SAVEPOINT", "INSERT", "RELEASE"]
    opened = [*CLOCK, *inserted, "INSERT", "INSERT"]
    owned = [*CLOCK, "SELECT", *inserted, "SELECT", "INSERT", "INSERT"]
    path = f"{API}accounts/"
    assert words(lambda: supervisor.post(path, {"name": "Ada"})) == (
        201,
        [*CLOCK, "BEGIN", *opened, "COMMIT", "SELECT"],
    )
    make_user("grace")
    body = {"name": "Ada", "initial_balance": "5", "owner": "grace"}
    assert words(lambda: supervisor.post(path, body)) == (
        201,
        ["SELECT", *CLOCK, "BEGIN", *owned, *SHORT_WRITE, "COMMIT", "SELECT"],
    )


def test_reading(
    supervisor: ApiClient, customer: ApiClient, account: Account, target: Account
) -> None:
    command = Transfer(account_id=account.id, target_account_id=target.id, amount=Decimal(4))
    transaction = f"{API}transactions/{run(command).id}/"
    balance = account_path(account, "balance")
    # The transaction with its reversal, its entries, its events; for a customer, their accounts.
    for path, of_staff, of_customer in (
        (account_path(account), 1, 1),
        (balance, 1, 1),
        (f"{balance}?at=2026-01-01T00:00:00Z", 2, 2),
        (transaction, 3, 3),
    ):
        for client, count in ((supervisor, of_staff), (customer, of_customer)):
            assert words(lambda client=client, path=path: client.get(path)) == (
                200,
                ["SELECT" if "at=" not in path or n == 0 else "WITH" for n in range(count)],
            )
