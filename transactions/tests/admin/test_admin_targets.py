"""The suggestions below the target of a transfer: what they show, and to whom."""

import re

import pytest
from django.test import Client

from accounts.commands import CloseAccount
from accounts.models import Account
from tests.admin import account_url, logged_in_as, words_of
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada Lovelace", balance=5)


def suggested(client: Client, source: Account, text: str) -> list[str]:
    """The words of each suggestion."""
    response = client.get(account_url(source, "targets"), {"q": text})
    assert response.status_code == 200
    options = re.findall(r'role="option".*?</div>', response.content.decode(), re.DOTALL)
    return [words_of("<p " + option) for option in options]


def test_a_suggestion_has_name_number_currency_and_status(ada: Account) -> None:
    teller = logged_in_as("teller")
    bob = make_account(name="Bob Lovell")
    for text in ("love", "LOVELL bob", bob.number[:5], str(bob.id)):
        assert suggested(teller, ada, text) == [f"Bob Lovell {bob.number}, USD, Active"], text
    assert suggested(teller, ada, "ada") == suggested(teller, ada, "") == []


def test_what_cannot_be_credited_comes_last_and_says_why(ada: Account) -> None:
    euro, gone = make_account(name="Bob A", currency="EUR"), make_account(name="Bob B")
    run(CloseAccount(account_id=gone.id, reason="Left"))
    bob = make_account(name="Bob C")
    words = suggested(logged_in_as("teller"), ada, "bob")
    assert words[0] == f"Bob C {bob.number}, USD, Active"
    assert set(words[1:]) == {
        f"Bob A {euro.number}, EUR, Active. This account is in EUR.",
        f"Bob B {gone.number}, USD, Closed. This account is closed.",
    }


@pytest.mark.parametrize(("role", "status"), [("auditor", 403), ("teller", 200)])
def test_suggestions_are_for_those_who_may_transfer(role: str, status: int, ada: Account) -> None:
    url = account_url(ada, "targets")
    assert logged_in_as(role).get(url, {"q": "a"}).status_code == status
    assert Client().get(url, {"q": "a"}).status_code == 302
    assert logged_in_as("supervisor").post(url, {"q": "a"}).status_code == 405


def test_the_field_is_a_combobox(ada: Account) -> None:
    html = logged_in_as("teller").get(account_url(ada, "transfer")).content.decode()
    assert f'data-url="{account_url(ada, "targets")}?q="' in html
    field = re.search(r'<input[^>]*name="target"[^>]*>', html)
    assert field is not None
    for attribute in ('role="combobox"', 'aria-expanded="false"', "autofocus"):
        assert attribute in field.group(), attribute
