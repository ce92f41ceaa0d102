"""Opening an account at the counter, optionally with an initial balance."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client, override_settings

from accounts.models import Account
from accounts.states import AccountKind
from tests.admin import logged_in, logged_in_as
from tests.api import make_user
from tests.assertions import nothing_changes
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

OPEN = "/admin/accounts/account/open/"
LIST = "/admin/accounts/account/"


@pytest.fixture
def teller() -> Client:
    return logged_in_as("teller")


def form_of(client: Client, **values: str) -> dict[str, str]:
    """The data of the empty form, updated with these values."""
    html = client.get(OPEN).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', html)
    currency = re.search(r'<option value="(\w+)" selected', html)
    assert key is not None
    assert currency is not None
    return {"name": "Ada", "key": key.group(1), "currency": currency.group(1)} | values


def opened() -> Account:
    return Account.objects.get(kind=AccountKind.CUSTOMER)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_account_is_opened_empty(teller: Client) -> None:
    response = teller.post(OPEN, form_of(teller))
    account = opened()
    assert response["Location"] == f"{LIST}{account.pk}/change/"
    assert said(response) == [f"Account {account.number} is open."]
    assert (account.name, account.currency, account.owner) == ("Ada", "USD", None)
    assert (account.balance, account.overdraft_limit) == (0, 0)
    event = account.events.get()
    assert (event.event, event.actor.username) == ("OPENED", "teller")


def test_an_account_is_opened_with_all_that_one_may_give() -> None:
    make_user("ada")
    client = logged_in_as("supervisor")
    values = {"owner": "ada", "currency": "BHD", "initial_balance": "10.125"}
    response = client.post(OPEN, form_of(client, overdraft_limit="50", **values))
    account = opened()
    receipt = f"/admin/transactions/transaction/{Transaction.objects.get().pk}/receipt/"
    words = "is open. Deposited 10.125 BHD. The balance is now 10.125 BHD."
    link = f'<a class="underline" href="{receipt}?account={account.pk}">Receipt</a>'
    assert said(response) == [f"Account {account.number} {words} {link}"]
    assert account.owner is not None
    assert account.owner.username == "ada"
    assert (account.balance, account.overdraft_limit) == (Decimal("10.125"), 50)
    assert Transaction.objects.get().description == "Initial balance"


def test_the_same_form_twice_opens_one_account(teller: Client) -> None:
    form = form_of(teller, initial_balance="5")
    teller.post(OPEN, form)
    with nothing_changes():
        response = teller.post(OPEN, form)
    account = opened()
    assert response["Location"] == f"{LIST}{account.pk}/change/"
    words = f"Account {account.number} was already opened; nothing was repeated. <a "
    assert said(response)[-1].startswith(words)


def test_a_form_that_was_sent_takes_no_other_content(teller: Client) -> None:
    form = form_of(teller)
    teller.post(OPEN, form)
    with nothing_changes():
        response = teller.post(OPEN, form | {"name": "Bob"})
    assert "The idempotency key belongs to another request" in response.content.decode()


@override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(100)})
def test_a_large_initial_balance_waits_for_approval(teller: Client) -> None:
    form = form_of(teller, initial_balance="100")
    words = "Deposit of 100.00 USD waits for a second person to approve it. Nothing has moved yet."
    first, again = teller.post(OPEN, form), teller.post(OPEN, form)
    number = opened().number
    assert said(first) == [f"Account {number} is open. {words}"]
    assert said(again)[-1] == f"Account {number} was already opened; nothing was repeated. {words}"
    assert opened().balance == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        ({"owner": "nobody"}, "There is no such active user."),
        ({"currency": "XXX"}, "Select a valid choice."),
        ({"initial_balance": "10,00"}, "with a decimal point"),
        ({"initial_balance": "10.001"}, "Write 10001.00 for the larger one."),
        ({"initial_balance": "10.0011"}, "An amount in USD has at most 2 decimals."),
    ],
)
def test_bad_input_is_asked_again(teller: Client, values: dict[str, str], words: str) -> None:
    with nothing_changes():
        response = teller.post(OPEN, form_of(teller, **values))
    assert response.status_code == 200
    assert words in response.content.decode()


def test_a_teller_gives_no_overdraft_limit(teller: Client) -> None:
    assert "overdraft_limit" not in teller.get(OPEN).content.decode()
    teller.post(OPEN, form_of(teller, overdraft_limit="50"))
    assert opened().overdraft_limit == 0


def test_who_may_not_deposit_pays_nothing_in_at_opening() -> None:
    user = make_user("olga", is_staff=True)
    rights = ("open_account", "view_account")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = logged_in(user)
    assert "initial_balance" not in client.get(OPEN).content.decode()
    client.post(OPEN, form_of(client, initial_balance="50"))
    assert opened().balance == 0
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("role", "status"), [("auditor", 403), ("teller", 200), ("supervisor", 200)]
)
def test_opening_is_for_its_right(role: str, status: int) -> None:
    client = logged_in_as(role)
    assert client.get(OPEN).status_code == status
    assert (OPEN in client.get(LIST).content.decode()) == (status == 200)
    if status == 403:
        with nothing_changes():
            assert client.post(OPEN, {"name": "Ada", "currency": "USD"}).status_code == 403


def test_the_same_form_opens_nothing_more_after_its_owner_was_switched_off(teller: Client) -> None:
    owner = make_user("ada")
    form = form_of(teller, owner="ada", initial_balance="5")
    teller.post(OPEN, form)
    owner.is_active = False
    owner.save()
    with nothing_changes():
        response = teller.post(OPEN, form)
    words = f"Account {opened().number} was already opened; nothing was repeated."
    assert said(response)[-1].startswith(words)
