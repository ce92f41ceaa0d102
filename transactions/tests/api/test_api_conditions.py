"""ETag and If-None-Match of a transaction and of a balance."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse

from accounts.models import CASH, Account, internal_account_id
from tests.api import API, ApiClient, account_path, client_of, make_user, staff
from tests.factories import deposit, make_account, run
from transactions.commands import Retry, Reverse, Transfer, Withdraw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    return make_account(balance=5, owner_id=make_user("ada").pk)


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


def again(client: ApiClient, path: str, tag: str) -> HttpResponse:
    response: HttpResponse = client.get(path, headers={"If-None-Match": tag})
    return response


def assert_unchanged(client: ApiClient, path: str) -> str:
    """The tag of the path, with which it is not sent again."""
    first = client.get(path)
    tag = str(first["ETag"])
    response = again(client, path, tag)
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    return tag


def test_a_transaction_changes_with_all_that_it_shows(account: Account, auditor: ApiClient) -> None:
    other = make_account()
    sent = run(Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal(2)))
    refused = run(Withdraw(account_id=account.id, amount=Decimal(90)))
    changes: list[tuple[Any, Callable[[], Any]]] = [
        # Its reversal, its events.
        (sent, lambda: run(Reverse(transaction_id=sent.id, reason="Sent twice"))),
        (refused, lambda: run(Retry(transaction_id=refused.id, reason="Once more", limit=9))),
        (refused, lambda: run(Retry(transaction_id=refused.id, reason="Once more", limit=9))),
    ]
    for row, change in changes:
        path = f"{API}transactions/{row.id}/"
        tag = assert_unchanged(auditor, path)
        change()
        assert again(auditor, path, tag).status_code == 200
        assert assert_unchanged(auditor, path) != tag


def test_a_customer_has_a_tag_of_their_own_and_none_of_what_is_hidden(
    account: Account, auditor: ApiClient
) -> None:
    refused = run(Withdraw(account_id=account.id, amount=Decimal(90)))
    path = f"{API}transactions/{refused.id}/"
    customer, stranger = client_of(account.owner), client_of(make_user("eve"))
    tag = assert_unchanged(auditor, path)
    assert again(stranger, path, tag).status_code == again(stranger, path, "*").status_code == 404
    run(Retry(transaction_id=refused.id, reason="Once more", limit=9))
    assert assert_unchanged(customer, path) != assert_unchanged(auditor, path)


def test_a_balance_changes_with_each_posting_and_a_past_one_never(
    account: Account, auditor: ApiClient
) -> None:
    path = account_path(account, "balance")
    now, past = assert_unchanged(auditor, path), f"{path}?at=2026-01-01T00:00:00Z"
    then = assert_unchanged(auditor, past)
    for _ in range(2):
        deposit(account, 1)
        assert again(auditor, path, now).status_code == 200
        now = assert_unchanged(auditor, path)
        assert again(auditor, past, then).status_code == 304
    # That of an internal account is of the present moment.
    cash = account_path(internal_account_id(CASH, "USD"), "balance")
    assert again(auditor, cash, auditor.get(cash)["ETag"]).status_code == 200
