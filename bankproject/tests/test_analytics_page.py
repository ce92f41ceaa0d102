"""The page Analytics: named queries with parameters, as a table, a chart and a file."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client

from analytics.catalog import QUERIES
from analytics.database import TookTooLong
from bankproject.console import analytics_page
from tests.api import make_user
from tests.factories import make_account, make_customer, run
from transactions.commands import Deposit, Transfer, Withdraw

pytestmark = pytest.mark.django_db

PAGE = "/admin/analytics/"
NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def auditor() -> Client:
    with time_machine.travel(NOON, tick=False):
        ada = make_account(balance="1100.50", customer_id=make_customer().pk)
        jun = make_account(balance=70_000, currency="JPY", name="<b>Jun</b>")
        bob = make_account(name="Bob")
        run(Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal("12.25")))
        run(Withdraw(account_id=bob.id, amount=Decimal(999)))
        run(Deposit(account_id=jun.id, amount=Decimal(5)))
    return client_of(make_user("auditor", role="auditor"))


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    content = response.content.decode().partition("<h1")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", content)).split())


def asked(client: Client, page: str = PAGE, **words: str) -> Any:
    with time_machine.travel(NOON, tick=False):
        response = client.get(page, words)
    assert response.status_code == 200
    return response


def test_each_query_is_answered_as_a_table_and_a_chart(auditor: Client) -> None:
    first = asked(auditor).content.decode()
    assert all(f'href="?query={name}"' in first for name in QUERIES)
    for name, query in QUERIES.items():
        words = {"account": "0"} if name == "account_at_month_ends" else {}
        response = asked(auditor, query=name, **words)
        found = text_of(response)
        assert f"{query.title} {query.meaning}" in found
        is_empty = name in {"account_at_month_ends", "dormant_accounts"}
        assert ("No row answers these parameters." in found) is is_empty, name
        assert ('<svg class="bank-svg" role="img" aria-label="Bars: ' in str(response.content)) is (
            not is_empty
        )
    response = asked(auditor, query="volume_by_day", currency="USD")
    found, content = text_of(response), response.content.decode()
    assert "Answer Day Currency Transactions Amount 2026-03-10 USD 2 1,112.75" in found
    assert 'name="first" value="2026-02-09"' in content
    assert content.count('<svg class="bank-svg"') == 1
    assert "Bars: amount by day, USD." in content


def test_the_answer_is_exported(auditor: Client) -> None:
    response = asked(auditor, f"{PAGE}export/", query="volume_by_day", last="2026-03-10")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert response["Content-Disposition"] == 'attachment; filename="volume_by_day.csv"'
    assert lines == [
        "day,currency,transactions,amount",
        "2026-03-10,JPY,2,70005",
        "2026-03-10,USD,2,1112.75",
    ]
    for words in ({"query": "none"}, {"query": "volume_by_day", "first": "x"}, {"query": ""}):
        assert auditor.get(f"{PAGE}export/", words).status_code == 404
    assert auditor.get(PAGE, {"query": "none"}).status_code == 404


def test_what_is_wrong_is_told(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = text_of(asked(auditor, query="volume_by_day", first="soon"))
    assert "A day is written as 2026-01-31." in found
    assert "Answer" not in found
    found = text_of(asked(auditor, query="volume_by_day", first="2026-04-01"))
    assert "The last day is before the first." in found
    found = text_of(asked(auditor, query="account_at_month_ends"))
    assert ("Answer" in found, "required" in found) == (False, False)
    found = text_of(asked(auditor, query="account_at_month_ends", first="2026-03-01"))
    assert "Account number This field is required." in found

    def late(*_: Any, **__: Any) -> Any:
        raise TookTooLong(20)

    monkeypatch.setattr(analytics_page, "ask", late)
    found = text_of(asked(auditor, query="trial_balance"))
    assert "The query took longer than 20 seconds, and was stopped. Choose fewer days." in found
    assert auditor.get(f"{PAGE}export/", {"query": "trial_balance"}).status_code == 503
    monkeypatch.undo()
    monkeypatch.setattr("analytics.answers.MOST_ROWS", 1)
    monkeypatch.setattr("bankproject.console.analytics_page.MOST_ROWS", 1)
    found = text_of(asked(auditor, query="trial_balance"))
    assert "There are more rows. The export has the first 1." in found


def test_who_may_not_see_all_of_it_is_refused() -> None:
    user = make_user("half", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_transaction"))
    for path in (PAGE, f"{PAGE}export/?query=trial_balance"):
        assert client_of(user).get(path).status_code == 403
    assert PAGE not in client_of(user).get("/admin/").content.decode()
    teller = client_of(make_user("teller", role="teller"))
    assert teller.get(PAGE, {"query": "trial_balance"}).status_code == 200
