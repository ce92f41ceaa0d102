import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount, RenameAccount
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core.console.admin import BoundedPaginator
from tests.admin import statements
from tests.factories import ORIGIN, make_account, run
from transactions.ledger.processor import process

pytestmark = pytest.mark.django_db

LIST = reverse("admin:accounts_account_changelist")
EVENTS = reverse("admin:accounts_accountevent_changelist")


def listed(client: Client, url: str = LIST, **parameters: Any) -> list[Any]:
    response = client.get(url, parameters)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def html_of(client: Client, url: str, **parameters: Any) -> str:
    return client.get(url, parameters).content.decode()


def test_amounts_have_the_currency_s_digits_and_separators(admin_client: Client) -> None:
    make_account(balance="1234567.5", overdraft_limit=Decimal(1000), currency="USD")
    make_account(balance="9876543", currency="JPY")
    make_account(balance="0.125", currency="BHD")
    html = html_of(admin_client, LIST, kind__exact="CUSTOMER")
    for amount in ("1,234,567.50", "1,235,567.50", "9,876,543", "0.125"):
        assert re.search(f">{amount} [A-Z]{{3}}</td>", html)


@pytest.fixture
def bank() -> dict[str, Account]:
    ada = User.objects.create_user("countess")
    return {
        "ada": make_account(name="Ada Lovelace", owner_id=ada.pk, balance=30),
        "charles": make_account(name="Charles Babbage", currency="EUR"),
    }


def test_search(admin_client: Client, bank: dict[str, Account]) -> None:
    ada, charles = bank["ada"], bank["charles"]
    number = ada.number
    for term in (number, number[:7], f"{number[:4]} {number[4:]}", str(ada.id), "LOVE", "ountes"):
        assert listed(admin_client, q=term) == [ada], term
    assert listed(admin_client, q=f" {str(charles.id).upper()} ") == [charles]
    assert [account.number for account in listed(admin_client, q="CASH-E")] == ["CASH-EUR"]
    assert listed(admin_client, q="  ") == [charles, ada]
    assert listed(admin_client, q="%") == listed(admin_client, q="nobody' OR 1=1") == []


def test_a_number_is_searched_in_its_index_alone(
    admin_client: Client, bank: dict[str, Account]
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        listed(admin_client, q=bank["ada"].number[:6])
    conditions = [query["sql"] for query in queries if bank["ada"].number[:6] in query["sql"]]
    assert len(conditions) == 2
    assert not any("username" in sql.split("WHERE")[1] for sql in conditions)


def test_filters(admin_client: Client, bank: dict[str, Account]) -> None:
    ada, charles = bank["ada"], bank["charles"]
    eve = make_account(name="Eve", currency="EUR")
    run(FreezeAccount(account_id=ada.id, scope=FreezeScope.DEBITS, reason="Court order"))
    run(CloseAccount(account_id=eve.id, reason="Left"))
    customers = {"kind__exact": "CUSTOMER"}
    assert listed(admin_client, status="FROZEN") == [ada]
    assert listed(admin_client, status="CLOSED") == [eve]
    assert listed(admin_client, status="ACTIVE", **customers) == [charles]
    assert listed(admin_client, status="BOGUS") == []
    assert listed(admin_client, currency="EUR", **customers) == [eve, charles]
    assert listed(admin_client) == [eve, charles, ada], "customers' accounts alone"
    assert {account.number for account in listed(admin_client, kind__exact="INTERNAL")} == {
        "CASH-EUR",
        "CASH-USD",
    }
    assert len(listed(admin_client, kind__exact="ALL")) == 5
    options = html_of(admin_client, LIST)
    assert '<option value="EUR">' in options
    assert '<option value="GBP">' not in options


def test_lookups_cannot_probe_a_password(admin_client: Client, bank: dict[str, Account]) -> None:
    response = admin_client.get(LIST, {"owner__password__startswith": "md5"})
    assert response.status_code == 400


def test_a_list_is_sorted_by_name_and_by_balance(
    admin_client: Client, bank: dict[str, Account]
) -> None:
    ada, charles = bank["ada"], bank["charles"]
    columns = admin.site._registry[Account].list_display
    name, balance = columns.index("name"), columns.index("money_balance")
    with CaptureQueriesContext(connection) as queries:
        assert listed(admin_client, o=name) == [ada, charles]
    assert any('ORDER BY "accounts_account"."name"' in query["sql"] for query in queries)
    assert listed(admin_client, o=-name) == [charles, ada]
    assert listed(admin_client, o=balance) == [charles, ada]
    assert listed(admin_client, o=-balance) == [ada, charles]
    assert 'aria-sort="descending"' in html_of(admin_client, LIST, o=-balance)


def test_a_list_beyond_the_bound_is_not_sorted(
    admin_client: Client, bank: dict[str, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPaginator, "limit", 1)
    with CaptureQueriesContext(connection) as queries:
        assert listed(admin_client, o="1") == listed(admin_client)
    assert not any('ORDER BY "accounts_account"."name"' in query["sql"] for query in queries)
    assert "bank-sort" not in html_of(admin_client, LIST)


def test_facets_by_hand_and_other_columns_cost_nothing(
    admin_client: Client, bank: dict[str, Account]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        by_status = listed(admin_client, o="3.-9", _facets="True", all="")
    assert by_status == listed(admin_client)
    assert not any("CASE WHEN" in query["sql"] for query in queries)


# Session, user, the bar of broken books, both numbers of the menu, count and page. The list of
# accounts also reads the currencies for its filter.
@pytest.mark.parametrize(("url", "expected"), [(LIST, 8), (EVENTS, 7)])
def test_a_list_costs_the_same_at_20_and_at_200_rows(
    url: str, expected: int, admin_client: Client
) -> None:
    owner = User.objects.create_user("owner")

    def open_accounts(count: int) -> None:
        opening = [
            OpenAccount(name=f"Account {n}", currency="USD", owner_id=owner.pk)
            for n in range(count)
        ]
        process(opening, ORIGIN)

    open_accounts(20)
    assert len(statements(admin_client, url)) == expected
    open_accounts(180)
    assert len(statements(admin_client, url)) == expected


def test_rows_are_counted_up_to_a_bound(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPaginator, "limit", 4)
    for _ in range(4):
        make_account()
    assert "4 accounts" in html_of(admin_client, LIST)
    make_account()
    assert "the newest 4 accounts; search or filter" in html_of(admin_client, LIST)
    counts = [sql for sql in statements(admin_client, LIST) if "COUNT(*)" in sql]
    assert len(counts) == 3  # Two of them are the navigation's.
    assert all(" LIMIT " in sql for sql in counts)
    assert ['FROM "accounts_account"' in sql and " LIMIT 5)" in sql for sql in counts].count(
        True
    ) == 1


def test_a_page_beyond_the_last_is_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site._registry[Account], "list_per_page", 1)
    make_account()
    make_account()
    response = admin_client.get(LIST, {"p": 10**9})
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?e=1")


def test_an_account_links_to_its_transactions_and_entries(
    admin_client: Client, bank: dict[str, Account]
) -> None:
    ada = bank["ada"]
    html = html_of(admin_client, reverse("admin:accounts_account_change", args=[ada.pk]))
    for name, model in [("transactions", "transaction"), ("entries", "entry")]:
        url = reverse(f"admin:accounts_account_{name}", args=[ada.pk])
        assert f'href="{url}"' in html
        target = reverse(f"admin:transactions_{model}_changelist")
        assert admin_client.get(url)["Location"] == f"{target}?{urlencode({'account': ada.number})}"
        assert len(listed(admin_client, target, account=ada.number)) == 1
        missing = reverse(f"admin:accounts_account_{name}", args=["nothing"])
        assert admin_client.get(missing).status_code == 404


def test_links_take_rights_of_both_ends(client: Client, bank: dict[str, Account]) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    client.force_login(user)
    url = reverse("admin:accounts_account_entries", args=[bank["ada"].pk])
    assert client.get(url).status_code == 403


def test_events_say_in_words_what_changed(admin_client: Client, bank: dict[str, Account]) -> None:
    ada = bank["ada"]
    run(RenameAccount(account_id=ada.id, name="Ada <b>King</b>", reason="Married"))
    run(FreezeAccount(account_id=ada.id, scope=FreezeScope.CREDITS, reason="Court order"))
    run(CloseAccount(account_id=bank["charles"].id, reason="Left"))
    html = html_of(admin_client, EVENTS)
    for words in (
        "Name: Ada Lovelace → Ada &lt;b&gt;King&lt;/b&gt;",
        "Credits blocked: no → yes",
        "Status: Active → Closed",
        f"Number: {ada.number}; Currency: USD; Owner: countess; Overdraft limit: 0.00",
    ):
        assert words in html
    by_account = listed(admin_client, EVENTS, account=ada.number)
    assert [event.event for event in by_account] == ["FROZEN", "RENAMED", "OPENED"]
    assert listed(admin_client, EVENTS, account="none such") == []


def test_the_page_of_an_account_shows_a_bounded_number_of_events(admin_client: Client) -> None:
    account = make_account(name="Name 0")
    for n in range(1, 25):
        run(RenameAccount(account_id=account.id, name=f"Name {n}", reason="Again"))
    assert AccountEvent.objects.count() == 25
    url = reverse("admin:accounts_account_change", args=[account.pk])
    html = html_of(admin_client, url)
    assert html.count("Again") == 20
    assert "Name: Name 23 → Name 24" in html
    assert len(statements(admin_client, url)) <= 13
