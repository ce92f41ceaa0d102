"""An owner sees a reversal once it is completed, not while it waits."""

from typing import Any

import pytest

from tests.api import API, account_path, client_of, make_user
from tests.factories import deposit, make_account
from transactions.commands import Reverse
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db


def ids(answer: Any) -> list[str]:
    return [row["transaction_id"] for row in answer.json()["results"]]


def test_a_reversal_that_waits_is_hidden_from_who_will_pay_it() -> None:
    owner = make_user("owner")
    account = make_account(owner_id=owner.pk)
    original = deposit(account, 5)
    (row,) = queue_up(Reverse(transaction_id=original.id, reason="A mistake"))
    client = client_of(owner)
    lists = (f"{API}transactions/", account_path(account, "transactions"))
    page = f"{API}transactions/{row.id}/"
    assert client.get(page).status_code == 404
    assert [ids(client.get(path)) for path in lists] == [[str(original.id)]] * 2
    assert work() == 1
    assert client.get(page).status_code == 200
    assert [ids(client.get(path)) for path in lists] == [[str(row.id), str(original.id)]] * 2
