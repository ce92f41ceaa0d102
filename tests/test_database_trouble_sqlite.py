"""A real SQLite file that cannot be written to: the responses to clients, and the recovery."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from clients.tests.program import GRANT, Program
from core import database_errors
from tests.api import API, anonymous, staff
from tests.assertions import everything
from tests.factories import make_account

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    yield
    database_errors.forget_trouble()
    connection.close()  # Its pragmas end with it.


def pragma(statement: str) -> Any:
    with connection.cursor() as cursor:
        row = cursor.execute(f"PRAGMA {statement}").fetchone()
    return row and row[0]


def assert_nothing_was_done(response: Any) -> None:
    told = response.json()
    assert (response.status_code, told["code"], told["retryable"]) == (503, "busy", True)
    assert told["detail"] == "The database cannot serve at present. Nothing was done."
    assert response["Retry-After"] == "1"


def test_a_read_only_file() -> None:
    teller, program = staff("teller"), Program()
    path = f"{API}accounts/{make_account(balance=5).id}/deposit/"
    before = everything()
    pragma("query_only = ON")
    assert_nothing_was_done(teller.post(path, {"amount": "1.25"}))
    assert_nothing_was_done(program.post("token", GRANT))
    assert anonymous().get(f"{API}health/ready/").json()["checks"]["database"] == "is read-only"
    pragma("query_only = OFF")
    assert everything() == before
    assert teller.post(path, {"amount": "1.25"}).json()["balance_after"] == "6.25"
    assert program.post("token", GRANT).status_code == 200


def test_a_full_disk() -> None:
    teller = staff("teller")
    path = f"{API}accounts/{make_account(balance=5).id}/deposit/"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # Earlier tests have left free pages.
    pragma(f"max_page_count = {pragma('page_count')}")
    answers = [teller.post(path, {"amount": "1.25", "description": "x" * 200}) for _ in range(100)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert_nothing_was_done(answer)
    trouble = anonymous().get(f"{API}health/ready/").json()["checks"]["database"]
    assert trouble == "has no room left on its disk"
    pragma("max_page_count = 1073741823")
    told = teller.post(path, {"amount": "1.25"}).json()
    assert told["balance_after"] == f"{5 + 1.25 * (101 - len(refused)):.2f}"
