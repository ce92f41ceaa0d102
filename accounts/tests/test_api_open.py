"""POST accounts/."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission

from accounts.models import Account, AccountEvent
from core.sql.bulk import BulkInsertAndUpdate, BulkUpdate
from tests.api import (
    ADDRESS,
    API,
    REQUEST_ID,
    ApiClient,
    assert_problem,
    bad_fields,
    client_of,
    make_user,
    shown,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import make_account, make_customer
from tests.identities import client_with, token_of
from transactions.ledger import writer
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
PATH = f"{API}accounts/"


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


@pytest.fixture
def supervisor() -> ApiClient:
    return staff("supervisor")


def customers() -> list[Account]:
    return list(Account.objects.filter(kind="CUSTOMER"))


def test_an_account_is_opened_with_all_it_can_have(supervisor: ApiClient) -> None:
    ada = make_user("ada")
    customer = make_customer(user="ada")
    response = supervisor.post(
        PATH,
        {
            "name": "Ada Lovelace",
            "initial_balance": "250.5",
            "currency": "EUR",
            "owner": "ada",
            "customer": str(customer.id),
            "overdraft_limit": "100",
            "metadata": {"customer_reference": "C-1001"},
        },
    )
    (account,) = customers()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{PATH}{account.id}/"
    (row,) = Transaction.objects.all()
    opened = response.json()
    deposit = opened.pop("initial_deposit")
    assert deposit == {"transaction_id": str(row.id), "status": "COMPLETED"}
    assert opened == {
        "account_id": str(account.id),
        "number": account.number,
        "name": "Ada Lovelace",
        "owner": "ada",
        "customer": str(customer.id),
        "currency": "EUR",
        "balance": "250.50",
        "held": "0.00",
        "available_balance": "350.50",
        "overdraft_limit": "100.00",
        "status": "ACTIVE",
        "debits_blocked": False,
        "credits_blocked": False,
        "metadata": {"customer_reference": "C-1001"},
        "created_at": shown(account.created_at),
        "updated_at": shown(account.updated_at),
    }
    assert supervisor.get(response["Location"]).json() == opened
    assert (account.balance, account.last_sequence, account.owner) == (Decimal("250.5"), 1, ada)

    assert (row.type, row.status, row.amount, row.credit_account_id, row.description) == (
        "DEPOSIT",
        "COMPLETED",
        Decimal("250.5"),
        account.id,
        "Initial balance",
    )
    (event,) = AccountEvent.objects.all()
    assert row.created_by == event.actor
    assert event.actor is not None
    assert (event.event, event.actor.username, event.caller, event.before) == (
        "OPENED",
        "supervisor",
        f"user:{event.actor_id}",
        {},
    )
    assert (event.request_id, event.address) == (REQUEST_ID, ADDRESS)
    # Events of a customer's account have no free texts.
    assert event.after == {
        "number": account.number,
        "currency": "EUR",
        "owner_id": ada.id,
        "customer_id": str(customer.id),
        "overdraft_limit": "100.00",
    }


def test_an_overdraft_is_for_a_supervisor_to_give(teller: ApiClient) -> None:
    with nothing_changes():
        response = teller.post(PATH, {"name": "Ada Lovelace", "overdraft_limit": "0.01"})
    assert_problem(response, "permission_denied", "Only a supervisor may give an overdraft limit.")


def opener(*rights: str) -> Any:
    """A member of staff who may open accounts, with these additional rights."""
    user = make_user("olga", is_staff=True)
    wanted = {"open_account", "view_account", *rights}
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return user


def test_an_initial_balance_takes_the_right_to_deposit() -> None:
    user = opener()
    with nothing_changes():
        response = client_of(user).post(PATH, {"name": "Ada", "initial_balance": "0.01"})
    detail = "An initial balance needs the right to post transactions."
    assert_problem(response, "permission_denied", detail)
    assert client_of(user).post(PATH, {"name": "Ada", "initial_balance": 0}).status_code == 201


def test_an_initial_balance_takes_the_scope_of_a_deposit() -> None:
    token = token_of(opener("post_transaction"), ("accounts:read", "accounts:write"))
    with nothing_changes():
        response = client_with(token).post(PATH, {"name": "Ada", "initial_balance": "0.01"})
    assert (response.status_code, response.json()["detail"]) == (
        403,
        "The token lacks the scope transactions:write.",
    )
    assert response["WWW-Authenticate"].endswith('scope="transactions:write"')
    assert client_with(token).post(PATH, {"name": "Ada"}).status_code == 201


@pytest.mark.parametrize("initial_balance", [{}, {"initial_balance": 0}, {"owner": None}])
def test_a_name_is_enough(teller: ApiClient, initial_balance: dict[str, Any]) -> None:
    body = teller.post(PATH, {"name": " Ada\u2019s ", **initial_balance}).json()
    (account,) = customers()
    assert UUID(body["account_id"]) == account.id
    assert body["initial_deposit"] is None
    assert (body["name"], body["owner"], body["currency"], body["metadata"]) == (
        " Ada\u2019s ",
        None,
        "USD",
        {},
    )
    assert (body["balance"], body["available_balance"], body["overdraft_limit"]) == (
        "0.00",
        "0.00",
        "0.00",
    )
    assert not Transaction.objects.exists()


def test_the_default_currency_is_the_banks(teller: ApiClient, settings: Any) -> None:
    settings.BANK_DEFAULT_CURRENCY = "JPY"
    body = teller.post(PATH, {"name": "Ada", "initial_balance": 500}).json()
    assert (body["currency"], body["balance"]) == ("JPY", "500")


def test_each_account_has_a_number_of_its_own(teller: ApiClient) -> None:
    numbers = {teller.post(PATH, {"name": "Ada"}).json()["number"] for _ in range(5)}
    assert len(numbers) == 5


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("/name", "required")]),
        ({"name": "Ada", "initial_balance": "1.001"}, [("/initial_balance", "too_many_decimals")]),
        (
            {"name": "Ada", "initial_balance": "100000000000.01"},
            [("/initial_balance", "amount_too_large")],
        ),
        (
            {"name": "Ada", "initial_balance": "5.5", "currency": "JPY"},
            [("/initial_balance", "too_many_decimals")],
        ),
        (
            {"name": "Ada", "initial_balance": "5", "overdraft_limit": "1.001"},
            [("/overdraft_limit", "too_many_decimals")],
        ),
        ({"name": "Ada", "overdraft_limit": -1}, [("/overdraft_limit", "invalid_amount")]),
        ({"name": None}, [("/name", "null")]),
        ({"name": "Ada", "owner": "nobody"}, [("/owner", "unknown_user")]),
        ({"name": "Ada", "owner": "gone"}, [("/owner", "unknown_user")]),
        ({"name": "Ada", "owner": 7}, [("/owner", "invalid")]),
        ({"name": "Ada", "metadata": {"a/b": 1}}, [("/metadata/a~1b", "invalid")]),
        ({"name": "Ada", "metadata": []}, [("/metadata", "not_an_object")]),
        ({"name": "A" * 201}, [("/name", "max_length")]),
        ({"name": "  "}, [("/name", "blank")]),
        (
            {"name": 5, "currency": "usd", "balance": "5"},
            [
                ("/name", "invalid"),
                ("/currency", "unknown_currency"),
                ("/balance", "unknown_field"),
            ],
        ),
    ],
)
def test_a_bad_opening_opens_nothing(
    supervisor: ApiClient, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    make_user("gone", is_active=False)
    with nothing_changes():
        assert bad_fields(supervisor.post(PATH, body)) == errors


def test_opening_and_initial_balance_come_together_or_not_at_all(
    teller: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last statement, which writes the balance, fails."""
    make_account(balance=3)
    teller.raise_request_exception = False
    nowhere = BulkUpdate("nowhere", dict.fromkeys("abcd", "text"))
    monkeypatch.setattr(writer, "_move", nowhere)
    monkeypatch.setattr(writer, "_insert_and_move", BulkInsertAndUpdate(writer._insert, nowhere))
    with nothing_changes():
        response = teller.post(PATH, {"name": "Ada", "initial_balance": "5"})
    assert_problem(response, "internal_error", response.json()["detail"])
