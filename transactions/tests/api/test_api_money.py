"""POST deposit/, withdraw/ and transfer/ of an account: balances, and rows of refused requests."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import CASH, Account, internal_account_id
from accounts.states import FreezeScope
from tests.api import (
    API,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_of,
    make_user,
    staff,
)
from tests.assertions import nothing_changes, stored
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.tests.api_bodies import transaction_body

pytestmark = pytest.mark.django_db

MISSING = uuid4()


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def balances(*accounts: Account) -> list[Decimal | None]:
    return [Account.objects.get(pk=account.id).balance for account in accounts]


def test_deposit(teller: ApiClient) -> None:
    account = make_account(balance=3)
    body = {"amount": "5.5", "description": "Cash, \u00fc\U0001f4b6"}
    response = teller.post(account_path(account, "deposit"), body)
    row = Transaction.objects.latest("id")
    assert response.status_code == 200
    assert response.json() == transaction_body(
        row, account=account, amount="5.50", balance_after="8.50"
    )
    assert (row.type, row.status, row.description) == ("DEPOSIT", "COMPLETED", body["description"])
    assert (row.created_by and row.created_by.username) == "teller"
    assert balances(account) == [Decimal("8.5")]


def test_withdraw_into_the_overdraft(teller: ApiClient) -> None:
    account = make_account(balance=3, overdraft_limit=Decimal(5), currency="BHD")
    response = teller.post(account_path(account, "withdraw"), {"amount": 7})
    row = Transaction.objects.latest("id")
    assert response.status_code == 200
    assert response.json() == transaction_body(
        row, account=account, amount="7.000", balance_after="-4.000"
    )
    assert (row.type, row.status, row.description) == ("WITHDRAW", "COMPLETED", "")
    assert balances(account) == [Decimal(-4)]


def test_transfer(teller: ApiClient) -> None:
    account, target = make_account(balance=10), make_account(balance=200)
    body = {"target_account_id": str(target.id).upper(), "amount": "2.25", "description": "Rent"}
    response = teller.post(account_path(account, "transfer"), body)
    row = Transaction.objects.latest("id")
    assert response.status_code == 200
    assert response.json() == transaction_body(
        row, account=account, target=target, amount="2.25", balance_after="7.75"
    )
    assert (row.type, row.status, row.description) == ("TRANSFER", "COMPLETED", "Rent")
    assert balances(account, target) == [Decimal("7.75"), Decimal("202.25")]


def test_a_customer_transfers_from_an_own_account() -> None:
    ada = make_user("ada")
    account, target = make_account(balance=10, owner_id=ada.id), make_account(balance=200)
    body = {"target_account_id": str(target.id), "amount": "4"}
    response = client_of(ada).post(account_path(account, "transfer"), body)
    row = Transaction.objects.latest("id")
    assert response.json() == transaction_body(
        row, account=account, target=target, amount="4.00", balance_after="6.00"
    )
    assert (row.created_by, balances(account, target)) == (ada, [6, 204])


def rich() -> Account:
    """An account with the largest possible balance."""
    account = make_account()
    process([Deposit(account_id=account.id, amount=Decimal(10) ** 11)] * 1000, ORIGIN)
    return account


def frozen(scope: str, balance: int = 20) -> Account:
    account = make_account(balance=balance)
    run(FreezeAccount(account_id=account.id, scope=FreezeScope(scope)))
    return account


def closed() -> Account:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    return account


def poor() -> Account:
    return make_account(balance="4.99")


def enough() -> Account:
    return make_account(balance=30)


# Route; the account; the target of a transfer; the refusal; the account named in the detail.
REFUSALS = [
    ("deposit", closed, None, "account_closed", "Account {account} is closed."),
    (
        "deposit",
        lambda: frozen("credits"),
        None,
        "account_frozen",
        "Account {account} is frozen for credits.",
    ),
    (
        "deposit",
        rich,
        None,
        "balance_limit",
        "The balance would pass 100000000000000.00 USD.",
    ),
    ("withdraw", closed, None, "account_closed", "Account {account} is closed."),
    (
        "withdraw",
        lambda: frozen("debits"),
        None,
        "account_frozen",
        "Account {account} is frozen for debits.",
    ),
    ("withdraw", poor, None, "insufficient_funds", "4.99 USD available, 5.00 USD needed."),
    ("transfer", closed, enough, "account_closed", "Account {account} is closed."),
    ("transfer", enough, closed, "account_closed", "Account {target} is closed."),
    (
        "transfer",
        lambda: frozen("all"),
        enough,
        "account_frozen",
        "Account {account} is frozen for debits.",
    ),
    (
        "transfer",
        enough,
        lambda: frozen("credits"),
        "account_frozen",
        "Account {target} is frozen for credits.",
    ),
    ("transfer", poor, enough, "insufficient_funds", "4.99 USD available, 5.00 USD needed."),
    (
        "transfer",
        enough,
        rich,
        "balance_limit",
        "The balance would pass 100000000000000.00 USD.",
    ),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_refusal_is_kept_and_named(teller: ApiClient, case: tuple[Any, ...]) -> None:
    route, make, make_target, code, detail = case
    account, target = make(), make_target() if make_target else None
    accounts, transactions = stored(Account), stored(Transaction)
    body = {"amount": "5", "description": "Refused"}
    if target:
        body["target_account_id"] = str(target.id)
    response = teller.post(account_path(account, route), body)

    row = Transaction.objects.latest("id")
    told = detail.format(account=account.id, target=target and target.id)
    assert_problem(response, code, told, transaction_id=str(row.id))
    assert stored(Account) == accounts
    assert stored(Transaction)[:-1] == transactions
    assert (row.status, row.failure_code, row.failure_detail) == ("FAILED", code, told)
    read = teller.get(f"{API}transactions/{row.id}/").json()
    assert read == transaction_body(
        row,
        account=account,
        target=target,
        amount="5.00",
        balance_after=None,
        failure={"code": code, "detail": told, "retryable": code != "account_closed"},
        reversed_by=None,
        hold_id=None,
        entries=[],
        events=[],
    )


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer"])
def test_frozen_on_the_other_side_moves(teller: ApiClient, route: str) -> None:
    account, target = frozen("debits" if route == "deposit" else "credits"), frozen("debits")
    body = {"amount": "5"} | ({"target_account_id": target.id} if route == "transfer" else {})
    assert teller.post(account_path(account, route), body).status_code == 200
    assert balances(account) == [25 if route == "deposit" else 15]


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer"])
def test_an_unknown_account_leaves_nothing_behind(teller: ApiClient, route: str) -> None:
    account = make_account(balance=20)
    body = {"amount": "5"} | ({"target_account_id": account.id} if route == "transfer" else {})
    cash = internal_account_id(CASH, "USD")
    for unknown in (MISSING, cash):
        with nothing_changes():
            response = teller.post(account_path(unknown, route), body)
        assert_problem(response, "not_found", f"There is no account {unknown}.")


def test_a_transfer_that_cannot_be_leaves_nothing_behind(teller: ApiClient) -> None:
    account, euros = make_account(balance=20), make_account(balance=7, currency="EUR")
    path, cash = account_path(account, "transfer"), internal_account_id(CASH, "USD")
    for target, code, detail in (
        (account.id, "same_account", "An account cannot transfer to itself."),
        (euros.id, "currency_mismatch", "A transfer needs one currency, not USD and EUR."),
        (MISSING, "not_found", f"There is no account {MISSING}."),
        (cash, "not_found", f"There is no account {cash}."),
    ):
        with nothing_changes():
            response = teller.post(path, {"target_account_id": str(target), "amount": "5"})
        assert_problem(response, code, detail)
    with nothing_changes():
        assert bad_fields(teller.post(path, {"target_account_id": "7", "amount": "5"})) == [
            ("/target_account_id", "invalid")
        ]
        assert bad_fields(teller.post(path, {"amount": "5"})) == [
            ("/target_account_id", "required")
        ]


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [
        ("USD", "1.001", "too_many_decimals"),
        ("JPY", "1.5", "too_many_decimals"),
        ("KWD", "1.2345", "too_many_decimals"),
        ("USD", "0.00", "invalid_amount"),
        ("USD", "100000000000.01", "amount_too_large"),
    ],
)
def test_an_amount_must_fit(teller: ApiClient, currency: str, amount: str, code: str) -> None:
    account = make_account(balance=20, currency=currency)
    target = make_account(balance=7, currency=currency)
    for route in ("deposit", "withdraw", "transfer"):
        body = {"amount": amount}
        if route == "transfer":
            body["target_account_id"] = str(target.id)
        with nothing_changes():
            response = teller.post(account_path(account, route), body)
        assert bad_fields(response) == [("/amount", code)]
