"""The customer's name wherever staff deal with an account, by as many statements for many rows."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from tests.admin import account_url, logged_in_as, statements, transaction_url, words_of
from tests.factories import deposit, make_account, make_customer, make_note, run
from transactions.commands import Transfer
from transactions.models import Transaction
from transactions.tests.counter import confirm, newest, preview

pytestmark = pytest.mark.django_db

ACCOUNTS = reverse("admin:accounts_account_changelist")
TRANSACTIONS = reverse("admin:transactions_transaction_changelist")


@pytest.fixture
def teller() -> Client:
    return logged_in_as("teller")


def account_of(name: str, **opening: Any) -> Account:
    customer = make_customer(name=name)
    return make_account(**{"name": "Savings", "balance": 100, "customer_id": customer.pk} | opening)


def words(client: Client, url: str, **parameters: Any) -> str:
    return words_of(client.get(url, parameters).content.decode())


def test_forms_and_previews_name_the_customers(teller: Client) -> None:
    grace, ada = account_of("Grace Hopper"), account_of("Ada Lovelace")
    for button in ("deposit", "withdraw", "transfer"):
        form = words(teller, account_url(grace, button))
        assert f"Account {grace.number}, Grace Hopper, Savings: balance 100.00 USD" in form
    page = preview(teller, grace, "transfer", target=ada.number, amount="7")
    assert f"From Grace Hopper, Savings {grace.number} 100.00 USD 93.00 USD" in words_of(page)
    assert f"To Ada Lovelace, Savings {ada.number} 100.00 USD 107.00 USD" in words_of(page)
    (told,) = confirm(teller, grace, "transfer", page)
    assert told.startswith(f"Transferred 7.00 USD to {ada.number} Ada Lovelace, Savings.")
    shown = words(teller, transaction_url(newest()))
    assert f"From Grace Hopper, Savings {grace.number}" in shown
    assert f"Transfer to {ada.number} Ada Lovelace, Savings" in words(teller, account_url(grace))


def test_lists_name_the_customers(teller: Client) -> None:
    grace = account_of("Grace Hopper")
    shown = words(teller, ACCOUNTS)
    assert f"{grace.number} Grace Hopper Savings" in shown
    assert "to Grace Hopper, Savings" in words(teller, TRANSACTIONS)
    found = words(teller, "/admin/search/", q="hopper")
    assert f"Grace Hopper, Savings {grace.number}, Active, 100.00 USD" in found


@pytest.mark.parametrize("path", [ACCOUNTS, TRANSACTIONS, "/admin/transactions/entry/"])
def test_more_rows_take_no_more_statements(teller: Client, path: str) -> None:
    one = account_of("Grace Hopper")
    few = len(statements(teller, path))
    for name in ("Ada Lovelace", "Emmy Noether", "Mary Somerville"):
        account_of(name)
    deposit(one, 3)
    assert len(statements(teller, path)) == few


def test_an_account_shows_what_waits_on_it(teller: Client, settings: Any) -> None:
    grace, ada = account_of("Grace Hopper"), account_of("Ada Lovelace")
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    assert "Payments that wait" not in words(teller, account_url(grace))
    page = preview(teller, grace, "transfer", target=ada.number, amount="60")
    confirm(teller, grace, "transfer", page)
    waits = (
        "Payments that wait Transfer of 60.00 USD from Grace Hopper, Savings to Ada Lovelace,"
        " Savings waits for a second person to approve it"
    )
    assert waits in words(teller, account_url(grace))
    assert waits in words(teller, account_url(ada))
    few = len(statements(teller, account_url(grace)))
    for amount in ("51", "52", "53", "54", "55"):
        confirm(teller, grace, "deposit", preview(teller, grace, "deposit", amount=amount))
    assert len(statements(teller, account_url(grace))) == few
    shown = words(teller, account_url(grace))
    assert "Deposit of 54.00 USD" in shown
    assert "Deposit of 55.00 USD" not in shown
    assert "Show all that wait" in shown
    listed = f"{TRANSACTIONS}?account={grace.number}&status__exact=PENDING"
    html = teller.get(account_url(grace)).content.decode()
    assert listed.replace("&", "&amp;") in html
    assert len(teller.get(listed).context["cl"].result_list) == 6


def test_what_is_done_does_not_wait(teller: Client) -> None:
    grace, ada = account_of("Grace Hopper"), account_of("Ada Lovelace")
    run(Transfer(account_id=grace.id, target_account_id=ada.id, amount=Decimal(1)))
    assert Transaction.objects.filter(status="COMPLETED").count() == 3
    assert "Payments that wait" not in words(teller, account_url(grace))


def test_an_account_shows_the_notes_about_its_customer(teller: Client) -> None:
    customer = make_customer(name="Grace Hopper", note="Prefers letters")
    grace = make_account(name="Savings", customer_id=customer.pk)
    assert "Notes about the customer Prefers letters" in words(teller, account_url(grace))
    make_note("Hears badly", customer_id=customer.pk)
    make_note("Asked for a card", account_id=grace.pk)
    shown = words(teller, account_url(grace))
    assert shown.index("Asked for a card") < shown.index("Notes about the customer")
    assert shown.index("Notes about the customer") < shown.index("Hears badly")
    assert "Notes about the customer" not in words(teller, account_url(account_of("Ada Lovelace")))


def test_a_preview_says_one_thing(teller: Client, settings: Any) -> None:
    grace = account_of("Grace Hopper")
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    page = preview(teller, grace, "withdraw", amount="5000")
    shown = words_of(page)
    assert "Insufficient funds: 100.00 USD available, 5,000.00 USD needed." in shown
    assert "It waits until" not in shown
    assert "Keep it as failed" not in shown
    assert f"From Grace Hopper, Savings {grace.number} 100.00 USD unchanged" in shown
    assert "Change Ask all the same Cancel" in shown
    (told,) = confirm(teller, grace, "withdraw", page)
    assert told.startswith("Withdrawal of 5,000.00 USD waits for a second person to approve it.")
    enough = words_of(preview(teller, grace, "withdraw", amount="60"))
    assert "It waits until a second person approves it." in enough
    assert "refused" not in enough
    assert "Confirm Change Cancel" in enough
