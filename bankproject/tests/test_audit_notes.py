"""Notes in the audit log: the beginning of the text, with a link to it, until it is erased."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.commands import CloseCustomer
from core.commands import Origin
from tests.admin import logged_in_as
from tests.api import make_user
from tests.factories import deposit, make_account, make_customer, make_note, run
from transactions.commands import ForgetCustomer

pytestmark = pytest.mark.django_db

PAGE = reverse("audit")


@pytest.fixture
def audrey() -> Client:
    return logged_in_as("auditor")


def notes(client: Client, **query: str) -> list[Any]:
    return list(client.get(PAGE, {"what": "notes", **query}).context["entries"])


@pytest.fixture
def tessa() -> Origin:
    user = make_user("tessa", role="teller")
    return Origin(user_id=user.pk, caller=f"user:{user.pk}", request_id="r-7", address="192.0.2.9")


def test_a_note_has_its_author_address_text_and_link(audrey: Client, tessa: Origin) -> None:
    account = make_account(name="Ada")
    make_note("Rang", tessa, account_id=account.pk)
    (entry,) = notes(audrey)
    assert (entry.who, entry.address, entry.request_id) == ("tessa", "192.0.2.9", "r-7")
    assert (entry.what, entry.after) == ("Note: written", "Rang")
    assert entry.about == f"Account {account.number} Ada"
    page = reverse("admin:accounts_account_change", args=(account.pk,))
    assert entry.link == f"{page}#notes"


def test_an_account_has_the_notes_on_its_customer_and_transactions_too(
    audrey: Client, tessa: Origin
) -> None:
    customer = make_customer()
    account, other = make_account(customer_id=customer.pk), make_account()
    row = deposit(account, 5)
    make_note("On it", tessa, account_id=account.pk)
    make_note("On the customer", tessa, customer_id=customer.pk)
    make_note("On a deposit", tessa, transaction_id=row.id)
    make_note("On another", tessa, account_id=other.pk)
    make_note("Of a job", account_id=account.pk)

    def texts(**query: str) -> list[str]:
        return [entry.after for entry in notes(audrey, **query)]

    of_account = ["On a deposit", "On the customer", "On it"]
    assert texts(account=account.number) == of_account
    assert texts(account=account.number, automatic="on") == ["Of a job", *of_account]
    # An account without a customer does not have the notes on nobody.
    assert texts(account=other.number) == ["On another"]
    assert texts(transaction=str(row.id)) == ["On a deposit"]
    assert texts(who="tessa") == ["On another", *of_account]
    assert texts(who="nobody") == []


def test_an_erased_text_is_gone_from_the_log(audrey: Client, tessa: Origin) -> None:
    customer = make_customer()
    make_note("Ada rang", tessa, customer_id=customer.pk)
    run(CloseCustomer(customer_id=customer.pk))
    run(ForgetCustomer(customer_id=customer.pk))
    (entry,) = notes(audrey)
    assert entry.after.startswith("Erased")
    assert (entry.who, entry.what) == ("tessa", "Note: written")
