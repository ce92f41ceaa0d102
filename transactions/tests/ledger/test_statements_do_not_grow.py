"""A transaction costs as many statements with events of many people as with those of one."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.commands import Origin
from tests.api import API, ApiClient, client_without_login_queries, make_user
from tests.factories import make_account, run
from transactions.commands import Retry, Withdraw

pytestmark = pytest.mark.django_db


def retried_by(*actors: int) -> str:
    """The path of a failed transaction that each of these users has retried without success."""
    account = make_account()
    row = run(Withdraw(account_id=account.id, amount=Decimal(5)))
    for actor in actors:
        origin = Origin(caller=f"user:{actor}", user_id=actor)
        run(Retry(transaction_id=row.id, reason="Once more", limit=9), origin)
    return f"{API}transactions/{row.id}/"


def statements(client: ApiClient, path: str) -> tuple[int, int]:
    """The number of statements of one request, and the number of events it shows."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    assert answer.status_code == 200
    return len(queries), len(answer.json()["events"])


def test_many_actors_cost_no_more_than_one() -> None:
    people = [make_user(f"teller-{number}", role="teller").pk for number in range(4)]
    client = client_without_login_queries(make_user("auditor", role="auditor"))
    few, shown_of_few = statements(client, retried_by(people[0]))
    many, shown_of_many = statements(client, retried_by(*people))
    assert (shown_of_few, shown_of_many) == (2, 8)
    assert many == few
