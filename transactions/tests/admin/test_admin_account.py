"""The account's page: its figures, the chart, the statement, the balance at any moment."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.commands import FreezeAccount, OpenAccount
from accounts.models import Account
from core.errors import Busy
from tests.admin import account_url, statements, words_of
from tests.api import make_user
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.admin.chart import LONGEST, POINTS, balance_chart
from transactions.commands import Deposit, Reverse, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.models import Entry
from transactions.reads import settled

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/account/"


def page_of(client: Client, account: Account, **parameters: Any) -> str:
    response = client.get(account_url(account), parameters)
    assert response.status_code == 200
    return response.content.decode()


def rows_of(html: str) -> list[list[str]]:
    """The statement's cells."""
    body = re.search(r'id="statement".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body.group(1), re.DOTALL)
    return [
        [words_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in rows
    ]


def frame(client: Client) -> int:
    """The statements of every page: the user, and the counts of the navigation."""
    return len(statements(client, "/admin/password_change/"))


def cash() -> Account:
    return Account.objects.get(number="CASH-USD")


@pytest.fixture
def ada() -> Account:
    """Ada was paid 1000, paid 400 to Bob, and drew 100, which was reversed; may overdraw 50."""
    ada = make_account(name="Ada", balance=1000, overdraft_limit=Decimal(50))
    bob = make_account(name="Bob")
    rent = {"target_account_id": bob.id, "amount": Decimal(400), "description": "Rent <May>"}
    run(Transfer(account_id=ada.id, **rent))
    drawn = run(Withdraw(account_id=ada.id, amount=Decimal("100.5")))
    run(Reverse(transaction_id=drawn.id, reason="Wrong"))
    run(Withdraw(account_id=ada.id, amount=Decimal(9999)))
    return Account.objects.get(pk=ada.pk)


def test_the_figures_stand_above(admin_client: Client, ada: Account) -> None:
    words = words_of(page_of(admin_client, ada))
    assert (
        "Balance 600.00 USD Available balance 650.00 USD Overdraft limit 50.00 USD"
        " Status Active Nothing is blocked."
    ) in words
    run(FreezeAccount(account_id=ada.id, reason="Court order"))
    assert "Status Frozen No money can leave or enter the account." in words_of(
        page_of(admin_client, ada)
    )


def test_the_statement_has_debits_credits_and_the_balance(
    admin_client: Client, ada: Account
) -> None:
    html = page_of(admin_client, ada)
    bob = Account.objects.get(name="Bob")
    posted = list(Entry.objects.filter(account=ada).order_by("-sequence"))
    days = [f"{entry.posted_at:%Y-%m-%d %H:%M}" for entry in posted]
    assert rows_of(html) == [
        [days[0], "Reversal Wrong", "", "100.50", "600.00"],
        [days[1], "Withdrawal", "100.50", "", "499.50"],
        [days[2], f"Transfer to {bob} Rent <May>", "400.00", "", "600.00"],
        [days[3], "Deposit", "", "1,000.00", "1,000.00"],
    ]
    for entry in posted:
        assert f'href="/admin/transactions/transaction/{entry.transaction_id}/change/"' in html
    assert rows_of(page_of(admin_client, bob))[0][1:] == [
        f"Transfer from {ada} Rent <May>",
        "",
        "400.00",
        "400.00",
    ]


def test_older_lines_are_a_page_away(admin_client: Client) -> None:
    account = make_account()
    process([Deposit(account_id=account.id, amount=Decimal(n)) for n in range(1, 46)], ORIGIN)
    seen, query = [], ""
    for _ in range(3):
        html = admin_client.get(account_url(account) + query).content.decode()
        seen += [row[3] for row in rows_of(html)]
        older = re.search(r'href="(\?before=\d+)#statement"', html)
        query = older.group(1) if older else ""
    assert seen == [f"{n}.00" for n in range(45, 0, -1)]
    assert query == ""


@pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 30, "1 OR 1=1", "999999", "٣"])
def test_a_line_that_cannot_be_is_the_newest(
    admin_client: Client, ada: Account, before: str
) -> None:
    assert len(rows_of(page_of(admin_client, ada, before=before))) == 4


def test_the_bank_s_own_account_lists_its_postings(admin_client: Client, ada: Account) -> None:
    html = page_of(admin_client, cash())
    assert [row[1:] for row in rows_of(html)] == [
        [f"Reversal to {ada} Wrong", "100.50", ""],
        [f"Withdrawal from {ada}", "", "100.50"],
        [f"Deposit to {ada}", "1,000.00", ""],
    ]
    assert "<canvas" not in html
    process([Deposit(account_id=ada.id, amount=Decimal(n)) for n in range(1, 21)], ORIGIN)
    html = page_of(admin_client, cash())
    older = re.search(r"\?before=([-0-9a-f]{36})#statement", html)
    assert older is not None
    assert [row[2] for row in rows_of(html)] == [f"{n}.00" for n in range(20, 0, -1)]
    assert len(rows_of(page_of(admin_client, cash(), before=older.group(1)))) == 3


@pytest.mark.usefixtures("patient")
def test_the_bank_s_own_balance_is_summed_when_asked_for(
    admin_client: Client, ada: Account
) -> None:
    assert "the balance was" not in page_of(admin_client, cash())
    assert "the balance was -1,000.00 USD" in words_of(page_of(admin_client, cash(), at=""))


def test_the_balance_at_any_moment(admin_client: Client, ada: Account) -> None:
    entries = Entry.objects.filter(account=ada).order_by("sequence")
    moments = [
        (ada.created_at - timedelta(seconds=1), "0.00"),
        (entries[0].posted_at, "1,000.00"),
        (entries[2].posted_at, "499.50"),
        (timezone.now(), "600.00"),
    ]
    for moment, balance in moments:
        words = words_of(page_of(admin_client, ada, at=f"{moment:%Y-%m-%dT%H:%M:%S.%f}"))
        assert f"At {moment:%Y-%m-%d %H:%M:%S} the balance was {balance} USD" in words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2999-01-01T00:00", "The moment is in the future."),
        ("yesterday", "Enter a valid date/time."),
        ("0001-01-01T00:00", "That moment is out of range."),
    ],
)
def test_a_moment_that_cannot_be_told_is_refused(
    admin_client: Client, ada: Account, at: str, words: str
) -> None:
    html = page_of(admin_client, ada, at=at)
    assert words in html
    assert "the balance was" not in html
    assert 'id="id_at_error"' in html


def test_a_balance_of_a_held_account_says_why_there_is_none(
    admin_client: Client, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(_: Any) -> Any:
        raise Busy("The account is in use. Nothing was done.")

    monkeypatch.setattr(settled, "settled_account", held)
    moment = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%f}"
    html = page_of(admin_client, ada, at=moment)
    assert "Busy, try again: The account is in use. Nothing was done." in html
    assert "the balance was" not in html
    assert 'id="id_at_error"' in html


def test_the_chart_ends_with_the_balance(ada: Account) -> None:
    chart = balance_chart(ada, timezone.now())
    assert chart is not None
    drawn = json.loads(chart.data)
    (dataset,) = drawn["datasets"]
    assert len(drawn["labels"]) == len(dataset["data"]) == POINTS
    assert (dataset["data"][0], dataset["data"][-1]) == (0.0, 600.0)
    assert (dataset["label"], dataset["suffixYAxis"]) == ("Balance in USD", "USD")
    assert chart.title == "Balance in USD since the opening"
    assert chart.words.endswith(" USD; at the end 600.00 USD.")


def test_the_chart_goes_back_so_far_and_not_further(ada: Account) -> None:
    chart = balance_chart(ada, ada.created_at + LONGEST + timedelta(days=1))
    assert chart is not None
    assert chart.title == "Balance in USD of the last 90 days"
    assert set(json.loads(chart.data)["datasets"][0]["data"]) == {600.0}


def test_an_account_without_entries_says_what_to_do(admin_client: Client) -> None:
    html = page_of(admin_client, make_account())
    assert "Nothing has been posted to this account yet. Begin with a deposit" in words_of(html)
    assert "<canvas" not in html


def test_without_the_right_to_entries_there_are_none(client: Client, ada: Account) -> None:
    user = make_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_account"))
    client.force_login(user)
    html = page_of(client, ada)
    assert "600.00 USD" in html
    assert 'id="statement"' not in html
    assert "<canvas" not in html


def test_the_page_costs_the_same_with_20_and_with_1000_entries(admin_client: Client) -> None:
    account, other = make_account(), make_account(balance=5000)
    transfer = Transfer(account_id=other.id, target_account_id=account.id, amount=Decimal(1))
    process([transfer] * 20, ORIGIN)
    statements(admin_client, account_url(account))  # Fills Django's caches.
    few = len(statements(admin_client, account_url(account)))
    process([transfer] * 980, ORIGIN)
    assert len(statements(admin_client, account_url(account))) == few
    # The account; the chart; both sides of the statement; events: whether, how many and which; the
    # notes; what waits. And the bank's clock, which on SQLite is the process's own.
    assert few == frame(admin_client) + (10 if connection.vendor == "postgresql" else 9)
    assert len(statements(admin_client, f"{account_url(account)}?before=500")) == few
    assert len(statements(admin_client, account_url(cash()))) <= few


def test_the_list_costs_the_same_with_1000_accounts(admin_client: Client) -> None:
    process([OpenAccount(name=f"Account {n}", currency="USD") for n in range(1000)], ORIGIN)
    deposit(Account.objects.order_by("id")[0], 5)
    for query in ("", "?q=Account+9", "?q=1", "?status=FROZEN", "?currency=USD&p=3"):
        # Currencies to filter by, count and page. For words, first whether a name begins with them.
        bound = frame(admin_client) + (4 if "q=Account" in query else 3)
        assert len(statements(admin_client, f"{LIST}{query}")) <= bound, query
