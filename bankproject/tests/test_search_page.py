"""The search across the bank: what each kind of text finds, for whom, and by which indexes."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from accounts.models import Account
from bankproject.console.search import FINDERS, SHOWN, search
from tests.admin import account_url, logged_in, logged_in_as, statements, words_of
from tests.api import make_user
from tests.factories import make_account, make_customer, run
from transactions.commands import Deposit, Transfer
from transactions.models import Transaction
from transactions.reads import search as transaction_search

pytestmark = pytest.mark.django_db

SEARCH = "/admin/search/"


@pytest.fixture
def supervisor() -> User:
    return make_user("susan", role="supervisor")


@pytest.fixture
def ada() -> Account:
    owner = make_user("countess")
    return make_account(name="Ada Lovelace, savings", owner_id=owner.pk, balance=30)


@pytest.fixture
def rent(ada: Account) -> Transaction:
    shop = make_account(name="Corner Shop")
    run(
        Transfer(
            account_id=ada.id,
            target_account_id=shop.id,
            amount=Decimal("9.99"),
            description="Café rent, May",
        )
    )
    return Transaction.objects.get(type="TRANSFER")


def found(text: str, user: Any) -> dict[str, list[str]]:
    return {group.title: [hit.title for hit in group.hits] for group in search(text, user).groups}


def test_an_account_is_found_by_everything_that_names_it(supervisor: User, ada: Account) -> None:
    number, key = ada.number, str(ada.id)
    for text in (
        *(number, number[:5], f"{number[:4]} {number[4:8]} {number[8:]}"),
        *(key, key.upper(), key[:18], key[:8], key.replace("-", "")),
        *("lovelace", "Ada savings", "savings ADA", "countess lovel", "LÖVELACE"),
    ):
        assert found(text, supervisor).get("Accounts") == [ada.full_name], text


def test_a_transaction_is_found_by_id_amount_and_words(supervisor: User, rent: Transaction) -> None:
    for text in (
        *(str(rent.id), str(rent.id)[:23], "9.99", "9.99 usd", " 9.99 USD "),
        *("rent", "CAFE may", "may café"),
    ):
        assert found(text, supervisor).get("Transactions") == ["Transfer 9.99 USD"], text
    for text in ("9.98", "9.99 EUR", "rent june", "Lovelace rent"):
        assert "Transactions" not in found(text, supervisor), text


def test_words_are_sought_among_the_newest(
    supervisor: User, rent: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in (1, 2):
        run(Deposit(account_id=rent.debit_account_id, amount=Decimal(amount), description="Fee"))
    monkeypatch.setattr(transaction_search, "NEWEST_READ", 3)
    assert found("rent", supervisor) == {"Transactions": ["Transfer 9.99 USD"]}
    monkeypatch.setattr(transaction_search, "NEWEST_READ", 2)
    assert found("rent", supervisor) == {}


def test_a_customer_is_found_by_number_id_and_name_until_it_changes(supervisor: User) -> None:
    customer = make_customer(name="Zoë Okafor")
    for text in (customer.number, customer.number[:4], str(customer.id), "okafor zoe"):
        assert found(text, supervisor)["Customers"] == ["Zoë Okafor"], text
    customer.name = "Zoë Brandt"
    customer.save()
    assert found("okafor", supervisor) == {}
    assert found("brandt", supervisor) == {"Customers": ["Zoë Brandt"]}
    assert "Customers" not in found("brandt", make_user("nobody", is_staff=True))


def test_users_are_found_by_their_names(supervisor: User) -> None:
    make_user("tessa", role="teller", first_name="Tessa", last_name="O'Neil")
    for text in ("tess", "neil", "TESSA o'n"):
        assert found(text, supervisor) == {"Users": ["tessa"]}, text


def test_five_of_each_and_a_link_to_all(supervisor: User) -> None:
    for number in range(SHOWN + 1):
        make_account(name=f"Smith {number}")
    (group,) = search("smith", supervisor).groups
    assert len(group.hits) == SHOWN
    assert group.more == "/admin/accounts/account/?q=smith"
    page = logged_in(supervisor).get(group.more)
    assert page.context["cl"].result_count == SHOWN + 1


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "\\", "'", "\x00", "a\x00b", "٣", "x" * 5000])
def test_odd_texts_find_nothing_and_break_nothing(text: str, supervisor: User) -> None:
    make_account(name="Ada")
    assert found(text, supervisor) == {}
    assert logged_in(supervisor).get(SEARCH, {"q": text}).status_code == 200


class TestVisibility:
    def test_a_teller_finds_no_users(self, ada: Account, rent: Transaction) -> None:
        teller = make_user("tom", role="teller")
        assert set(found("countess", teller)) == {"Accounts"}
        assert "Users" in found("countess", make_user("alda", role="auditor"))

    def test_staff_without_rights_find_nothing(self, ada: Account, rent: Transaction) -> None:
        nobody = make_user("nobody", is_staff=True)
        for text in ("lovelace", "9.99", ada.number, str(rent.id), "countess"):
            assert search(text, nobody) == search("zzzz", nobody)
        page = logged_in(nobody).get(SEARCH, {"q": "lovelace"}).content.decode()
        assert "Nothing found for “lovelace”." in page
        assert "Savings" not in page

    def test_customers_and_strangers_have_no_search(self, client: Client, ada: Account) -> None:
        for browser in (client, logged_in(User.objects.get(username="countess"))):
            for query in ({"q": "lovelace"}, {"q": "lovelace", "part": "1"}):
                assert browser.get(SEARCH, query).status_code == 302


class TestPages:
    def test_the_box_is_on_every_page_and_costs_nothing(self) -> None:
        client = logged_in_as("teller")
        for path in ("/admin/", "/admin/accounts/account/", "/admin/nothing/", SEARCH):
            html = client.get(path).content.decode()
            assert html.count('role="combobox"') == 1, path
            assert 'action="/admin/search/" method="get"' in html
        assert "searchCommand" not in html

    def test_without_a_script_there_is_a_page(self, ada: Account) -> None:
        client = logged_in_as("teller")
        html = client.get(SEARCH, {"q": "lovelace"}).content.decode()
        assert f'href="/admin/accounts/account/{ada.pk}/change/"' in html
        assert 'value="lovelace"' in html
        assert "Nothing found for “Nobody”." in client.get(SEARCH, {"q": "Nobody"}).content.decode()

    def test_the_part_is_a_list_box_in_groups(self, ada: Account, rent: Transaction) -> None:
        html = logged_in_as("supervisor").get(SEARCH, {"q": "countess", "part": "1"})
        text = html.content.decode()
        assert "<html" not in text
        assert text.count('role="option"') == 2
        assert 'data-status="2 found"' in text
        nothing = logged_in_as("auditor").get(SEARCH, {"q": "zzz", "part": "1"}).content.decode()
        assert 'data-status="Nothing found"' in nothing
        assert "listbox" not in nothing

    def test_a_name_is_no_markup(self) -> None:
        make_account(name="<b>Eve</b> & Co")
        html = logged_in_as("teller").get(SEARCH, {"q": "eve", "part": "1"}).content.decode()
        assert "&lt;b&gt;Eve&lt;/b&gt; &amp; Co" in html

    def test_a_search_costs_the_same_for_many_hits(self) -> None:
        client = logged_in_as("supervisor")

        def cost() -> int:
            return len(statements(client, SEARCH, q="smith", part="1"))

        make_account(name="Smith")
        first = cost()
        for _ in range(10):
            make_account(name="Smith")
        assert cost() == first <= 8


@pytest.mark.postgresql
def test_the_nearest_name_is_offered(supervisor: User, ada: Account) -> None:
    make_customer(name="Charles Babbage")
    assert search("Lovelase", supervisor).meant == "lovelace"
    assert search("ada lovelase", supervisor).meant == "lovelace ada"
    assert search("qqqqqq", supervisor).meant == ""
    html = logged_in(supervisor).get(SEARCH, {"q": "Lovelase"}).content.decode()
    assert "Did you mean Lovelace ?" in words_of(html) or "Did you mean Lovelace?" in words_of(html)
    nobody = make_user("nobody", is_staff=True)
    assert search("Lovelase", nobody).meant == ""
    client = logged_in(supervisor)
    for listed, name in (
        ("accounts/account", "Lovelace"),
        ("customers/customer", "Babbage"),
        ("auth/user", "Countess"),
    ):
        sought = f"{name[:-2]}x{name[-1]}"
        words = words_of(client.get(f"/admin/{listed}/", {"q": sought}).content.decode())
        assert f"None match this search. Did you mean {name}" in words, listed
    transfer = {"target": "Lovelase", "amount": "1", "key": str(uuid4())}
    page = account_url(make_account(name="Bob"), "transfer")
    words = words_of(client.post(page, transfer).content.decode())
    assert "No open account in USD has this number or name. Did you mean Lovelace?" in words
    # An account in another currency is no target.
    page = account_url(make_account(name="Bob", currency="EUR"), "transfer")
    assert "Did you mean" not in words_of(client.post(page, transfer).content.decode())
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
    assert search("Lovelase", supervisor).meant == ""


def test_each_kind_of_thing_has_its_finder() -> None:
    assert [finder.title for finder in FINDERS] == [
        *("Accounts", "Customers", "Transactions", "Users")
    ]
