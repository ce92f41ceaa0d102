"""The console's pages of customers."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account
from customers.models import Customer
from tests.admin import account_url, logged_in_as, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, make_customer

pytestmark = pytest.mark.django_db

LIST = reverse("admin:customers_customer_changelist")
OPEN = reverse("admin:accounts_account_open_account")
REASON = {"reason": "Asked for it"}


def page_of(customer: Customer, button: str = "change") -> str:
    return reverse(f"admin:customers_customer_{button}", args=(customer.pk,))


def words(client: Client, url: str, data: Any = None) -> str:
    answer = client.post(url, data, follow=True) if data is not None else client.get(url)
    assert answer.status_code == 200, answer.content
    return words_of(answer.content.decode())


def opening(**fields: str) -> dict[str, str]:
    key = "3d1f8d9a-7a2b-4c0e-8f5e-0d3a9a1c7b11"
    return {"name": "Savings", "currency": "USD", "key": key} | fields


def test_a_page_shows_accounts_totals_and_movements() -> None:
    customer = make_customer(email="ada@example.com", note="Prefers letters")
    savings, rent = (
        make_account(customer_id=customer.pk, name=name, balance=balance)
        for name, balance in (("Savings", "1200.50"), ("Rent", "99.50"))
    )
    make_account(customer_id=customer.pk, name="Yen", currency="JPY", balance=7000)
    make_account(balance=77)
    deposit(savings, "5.25")
    shown = words(logged_in_as("teller"), page_of(customer))
    for text in (
        "Total in USD 1,305.25 USD 2 accounts",
        "Total in JPY 7,000 JPY 1 account",
        savings.number,
        rent.number,
        "1,205.75",
        "5.25 USD",
        "ada@example.com",
        "Prefers letters",
        f"Customer {customer.number}, active",
    ):
        assert text in shown, text
    assert "77.00" not in shown


def test_a_page_takes_few_statements_whatever_the_customer_has() -> None:
    client = logged_in_as("supervisor")
    customer = make_customer()
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            client.get(page_of(customer))
        counts.append(len(queries))
        for _ in range(8):
            deposit(make_account(customer_id=customer.pk), 1)
    assert counts[1] == counts[2]
    assert max(counts) <= 20


def test_customers_are_found_in_the_list() -> None:
    ada = make_customer(email="ada@example.com", phone="+44 20 7946 0958")
    make_customer(name="Grace Hopper")
    client = logged_in_as("auditor")
    for text in ("lovelace ada", ada.number, "ADA@example", "7946 0958", str(ada.pk)):
        found = words_of(client.get(LIST, {"q": text}).content.decode())
        assert ada.number in found, text
        assert "Grace" not in found, text
    assert ada.number not in words(client, f"{LIST}?q=nobody")


def test_a_teller_registers_a_customer_once() -> None:
    client = logged_in_as("teller")
    url = reverse("admin:customers_customer_register")
    form = {
        "kind": "PERSON",
        "name": "Ada Lovelace",
        "birth_date": "1915-12-10",
        "phone": "020 7946-0958",
        "key": "3d1f8d9a-7a2b-4c0e-8f5e-0d3a9a1c7b11",
    }
    assert "Registered:" in words(client, url, form)
    with nothing_changes():
        assert "already registered" in words(client, url, form)
    customer = Customer.objects.get()
    assert (customer.phone, customer.birth_date.year) == ("02079460958", 1915)  # type: ignore[union-attr]
    with nothing_changes():
        other = form | {"key": "3d1f8d9a-7a2b-4c0e-8f5e-0d3a9a1c7b12", "email": "ada"}
        assert "An e-mail address is required" in words(client, url, other)


def test_the_buttons_run_the_commands() -> None:
    client, customer = logged_in_as("supervisor"), make_customer()
    make_user("ada")
    details = {"name": "Ada King", "address": "London"}
    assert "Changed" in words(client, page_of(customer, "change_details"), details)
    given = REASON | {"user": "ada"}
    assert "ada sees the accounts" in words(client, page_of(customer, "give_user"), given)
    unknown = make_customer()
    with nothing_changes():
        refused = words(client, page_of(unknown, "give_user"), REASON | {"user": "nobody"})
    assert "There is no such active user." in refused
    assert "Closed:" in words(client, page_of(customer, "close_customer"), REASON)
    assert "Reopened:" in words(client, page_of(customer, "reopen_customer"), REASON)
    shown = words(client, reverse("audit"))
    for text in ("Customer: details changed", "Address, name", "Customer: user given"):
        assert text in shown, text


def test_tellers_have_no_buttons_of_supervisors() -> None:
    client, customer = logged_in_as("teller"), make_customer()
    shown = words(client, page_of(customer))
    assert "Change details" in shown
    assert "Give a user" not in shown
    for button in ("give_user", "close_customer", "reopen_customer"):
        assert client.get(page_of(customer, button)).status_code == 403
        with nothing_changes():
            assert client.post(page_of(customer, button), REASON).status_code == 403
    auditor = logged_in_as("auditor")
    assert auditor.get(page_of(customer, "change_details")).status_code == 403
    assert auditor.get(reverse("admin:customers_customer_register")).status_code == 403


def test_an_account_is_opened_from_the_page() -> None:
    client, customer = logged_in_as("teller"), make_customer()
    answer = client.get(page_of(customer, "open_account"), follow=True)
    assert f'value="{customer.number}"' in answer.content.decode()
    assert "is open." in words(client, OPEN, opening(customer=customer.number))
    assert Account.objects.get(kind="CUSTOMER").customer == customer
    # It has to be closed before the customer.
    supervisor = logged_in_as("supervisor")
    assert supervisor.get(page_of(customer, "close_customer")).status_code == 403
    answer = words(supervisor, page_of(customer, "close_customer"), REASON)
    assert "has an open account" in answer


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("lovelace", "Several customers: "),
        ("nobody", "No active customer is known by this."),
    ],
)
def test_a_customer_is_picked_only_if_clear(text: str, error: str) -> None:
    make_customer()
    make_customer()
    with nothing_changes():
        assert error in words(logged_in_as("teller"), OPEN, opening(customer=text))


def test_the_name_of_the_customer_is_the_heading_of_the_account() -> None:
    customer = make_customer(name="Grace Hopper")
    account, free = make_account(customer_id=customer.pk, name="Rent"), make_account(name="Free")
    client = logged_in_as("teller")
    html = client.get(account_url(account)).content.decode()
    assert re.findall(r'<h1 class="bank-title">(.*?)</h1>', html) == ["Grace Hopper"]
    assert f"Account {account.number}, Rent, active. Customer {customer.number}" in words_of(html)
    assert page_of(customer) in html
    assert '<h1 class="bank-title">Free</h1>' in client.get(account_url(free)).content.decode()
    # The path names Accounts once: the link to the app of that name is left out.
    assert 'href="/admin/accounts/"' not in html
    assert html.count('href="/admin/accounts/account/"') >= 1
    found = client.get("/admin/accounts/account/", {"q": "hopper"}).content.decode()
    assert account.number in found
    assert free.number not in found


def test_an_account_without_a_customer_gets_one_by_a_button() -> None:
    client, customer, account = logged_in_as("supervisor"), make_customer(), make_account()
    url = account_url(account, "customer")
    given = words(client, url, REASON | {"customer": customer.number})
    assert f"The account is one of {customer} now." in given
    account.refresh_from_db()
    assert account.customer == customer
    assert "Give a customer" not in words(client, account_url(account))
