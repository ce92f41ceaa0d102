"""The approvals page: what waits for a second person, who sees it, and who may decide."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.commands import ChangeOverdraftLimit
from accounts.models import Account, LimitRequest
from bankproject.console.counts import approvals_waiting
from core.commands import Origin
from core.errors import InsufficientFunds
from tests.api import client_of, make_user
from tests.factories import make_account, run
from transactions.commands import Approve, Cancel, Deposit, Retry, Transfer
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.reads.approvals import page_of_requests

pytestmark = pytest.mark.django_db

PAGE = reverse("approvals")


@pytest.fixture
def people() -> dict[str, Any]:
    roles = {"tessa": "teller", "susan": "supervisor", "sam": "supervisor", "aldo": "auditor"}
    return {name: make_user(name, role=role) for name, role in roles.items()}


@pytest.fixture
def ada(settings: Any) -> Account:
    account = make_account(name="Ada", balance="1500.5")
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}
    return account


def origin(user: Any) -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}", address="192.0.2.9")


def ask(account: Account, user: Any, amount: str, description: str = "") -> Transaction:
    command = Deposit(account_id=account.id, amount=Decimal(amount), description=description)
    return Transaction.objects.get(pk=run(command, origin(user)).id)


def html_of(user: Any) -> str:
    return html_at(user, PAGE)


def html_at(user: Any, path: str) -> str:
    response = client_of(user).get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def decision(verb: str, transaction: Transaction) -> str:
    return reverse(f"admin:transactions_transaction_{verb}", args=[transaction.pk])


def test_it_tells_who_asked_for_what_why_and_what_it_would_leave(
    ada: Account, people: dict[str, Any]
) -> None:
    asked = ask(ada, people["tessa"], "2000.25", "Sale of a <car>")
    html = html_of(people["susan"])
    for words in (
        "Deposit of 2,000.25 USD",
        "tessa, by hand or by a program, ",
        "Sale of a &lt;car&gt;",
        ">1,500.50</td>",
        ">3,500.75</td>",
        str(ada),
    ):
        assert words in html
    for verb in ("approve", "reject"):
        assert f'href="{decision(verb, asked)}' in html


def test_nobody_decides_on_their_own_request(ada: Account, people: dict[str, Any]) -> None:
    asked = ask(ada, people["susan"], "2000")
    own = html_of(people["susan"])
    assert "You asked for this, so someone else decides." in own
    assert decision("approve", asked) not in own
    assert decision("reject", asked) not in own
    assert decision("approve", asked) in html_of(people["sam"])


def test_the_user_who_retried_cannot_decide_either(ada: Account, people: dict[str, Any]) -> None:
    bob = make_account(name="Bob")
    command = Transfer(account_id=bob.id, target_account_id=ada.id, amount=Decimal(1100))
    asked = run(command, origin(people["tessa"]))
    run(Approve(transaction_id=asked.id), origin(people["susan"]))
    run(Retry(transaction_id=asked.id, reason="Salary came"), origin(people["sam"]))
    html = html_of(people["sam"])
    assert "by sam, " in html
    assert "Salary came" in html
    assert "You asked for this" in html
    assert decision("approve", Transaction.objects.get(pk=asked.id)) in html_of(people["susan"])


@pytest.mark.parametrize("role", ["tessa", "aldo"])
def test_who_may_not_approve_reads_only(role: str, ada: Account, people: dict[str, Any]) -> None:
    asked = ask(ada, people["susan"], "2000")
    html = html_of(people[role])
    assert "Deposit of 2,000.00 USD" in html
    assert "A supervisor decides." in html
    assert decision("approve", asked) not in html
    assert client_of(people[role]).get(decision("approve", asked)).status_code == 403


def test_reading_takes_the_right_and_nothing_is_posted(
    ada: Account, people: dict[str, Any], client: Client
) -> None:
    assert client.get(PAGE).status_code == 302
    assert client_of(make_user("new", is_staff=True)).get(PAGE).status_code == 403
    assert client_of(make_user("customer")).get(PAGE).status_code == 302
    for method in ("post", "put", "delete"):
        assert getattr(client_of(people["susan"]), method)(PAGE).status_code == 405


def test_what_would_be_refused_is_said_beforehand(ada: Account, people: dict[str, Any]) -> None:
    bob = make_account(name="Bob", balance="30.5")
    command = Transfer(account_id=bob.id, target_account_id=ada.id, amount=Decimal(1100))
    run(command, origin(people["tessa"]))
    (found,) = page_of_requests(after=None, limit=5)
    assert isinstance(found.refusal, InsufficientFunds)
    assert (found.debited.balance, found.debited.balance_after) == (
        Decimal("30.5"),
        Decimal("-1069.5"),
    )
    assert (found.credited.balance, found.credited.balance_after) == (
        Decimal("1500.5"),
        Decimal("2600.5"),
    )
    assert "30.50 USD available, 1,100.00 USD needed." in html_of(people["susan"])


def test_what_is_due_later_is_not_said_to_be_refused_now(
    ada: Account, people: dict[str, Any]
) -> None:
    bob = make_account(name="Bob", balance="30.5")
    later = timezone.now() + timedelta(days=3)
    asked = Transfer(
        account_id=bob.id, target_account_id=ada.id, amount=Decimal(1100), scheduled_for=later
    )
    row = Transaction.objects.get(pk=run(asked, origin(people["tessa"])).id)
    for html in (
        html_of(people["susan"]),
        *(html_at(people["susan"], decision(verb, row)) for verb in ("approve", "reject")),
    ):
        assert "would be refused" not in html
    html = html_of(people["susan"])
    assert "Nothing moves before, and the balances are checked then." in html
    assert "If approved now" not in html
    with time_machine.travel(later + timedelta(minutes=1), tick=False):
        html = html_of(people["susan"])
        assert "It would be refused now." in html
        assert "Nothing moves before" not in html


def test_the_figures_are_what_approval_leaves(ada: Account, people: dict[str, Any]) -> None:
    asked = ask(ada, people["tessa"], "1234.56")
    (found,) = page_of_requests(after=None, limit=5)
    browser = Client()
    browser.force_login(people["susan"])
    url = f"{decision('approve', asked)}?from=approvals"
    assert f'href="{url}"' in html_of(people["susan"])
    answer = browser.post(url, {"reason": "Seen the contract"})
    assert answer["Location"] == PAGE
    ada.refresh_from_db()
    assert ada.balance == found.credited.balance_after == Decimal("2735.06")
    assert page_of_requests(after=None, limit=5) == []
    assert "Nothing waits for approval" in html_of(people["susan"])


def test_page_by_page_longest_waiting_first(ada: Account, people: dict[str, Any]) -> None:
    amounts = [str(1000 + n) for n in range(27)]
    for amount in amounts:
        ask(ada, people["tessa"], amount)
    response = client_of(people["susan"]).get(PAGE)
    shown = [card["title"] for card in response.context["requests"]]
    second = client_of(people["susan"]).get(f"{PAGE}?{response.context['more']}")
    shown += [card["title"] for card in second.context["requests"]]
    assert shown == [f"Deposit of {int(amount):,}.00 USD" for amount in amounts]
    assert second.context["more"] == ""
    assert client_of(people["susan"]).get(PAGE, {"after": "nonsense"}).status_code == 200


def test_the_number_in_the_navigation(ada: Account, people: dict[str, Any]) -> None:
    def badge() -> str:
        sections = client_of(people["susan"]).get(PAGE).context["sidebar_navigation"]
        items = {item["title"]: item for section in sections for item in section["items"]}
        assert items["Approvals"]["active"]
        assert items["Approvals"]["is_counted"]  # An open page shows the number once some wait.
        return str(items["Approvals"].get("badge", ""))

    assert badge() == ""
    asked = ask(ada, people["tessa"], "1000")
    assert badge() == "1"
    run(Cancel(transaction_id=asked.pk, reason="No"), origin(people["tessa"]))
    assert badge() == ""
    command = Deposit(account_id=ada.id, amount=Decimal(1000))
    process([command] * 100, origin(people["tessa"]))
    assert badge() == "99+"


def test_it_costs_the_same_with_a_thousand_waiting(ada: Account, people: dict[str, Any]) -> None:
    client = client_of(people["susan"])
    ask(ada, people["tessa"], "1000")
    counts = []
    for rows in (1, 999):
        process([Deposit(account_id=ada.id, amount=Decimal(1001))] * rows, origin(people["tessa"]))
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    # Session, user, the user's rights, files, limits, the page, its retries, two numbers of the
    # navigation, the books.
    assert counts == [10, 10]


def test_nobody_decides_on_an_account_of_their_own(settings: Any, people: dict[str, Any]) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}
    asked = ask(make_account(owner_id=people["sam"].pk), people["tessa"], "2000")
    html = html_of(people["sam"])
    assert "One of the accounts is your own, so someone else decides." in html
    assert decision("approve", asked) not in html
    assert decision("approve", asked) in html_of(people["susan"])


def test_limits_wait_here_too(ada: Account, people: dict[str, Any]) -> None:
    by = {"overdraft_limit": "25000", "reason": "A <bridge>"}
    button = reverse("admin:accounts_account_overdraft_limit", args=[ada.pk])
    response = client_of(people["susan"]).post(button, by, format="multipart", follow=True)
    assert "A limit of 25,000.00 USD waits for a second person." in response.content.decode()
    asked = LimitRequest.objects.get()
    approve, reject = (
        reverse(f"admin:accounts_limitrequest_{verb}", args=[asked.pk])
        for verb in ("approve", "reject")
    )
    html = html_of(people["sam"])
    for words in (
        "Overdraft limit of 25,000.00 USD",
        "A &lt;bridge&gt;",
        str(ada),
        approve,
        reject,
    ):
        assert words in html
    assert "You asked for this, so someone else decides." in html_of(people["susan"])
    assert approve not in html_of(people["aldo"])
    response = client_of(people["tessa"]).post(approve, {"reason": ""}, format="multipart")
    assert response.status_code == 403
    response = client_of(people["susan"]).post(
        approve, {"reason": ""}, format="multipart", follow=True
    )
    assert "Nobody decides on their own request" in response.content.decode()
    back = f"{approve}?from=approvals"
    response = client_of(people["sam"]).post(back, {"reason": ""}, format="multipart", follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert "is 25,000.00 USD." in response.content.decode()
    ada.refresh_from_db()
    assert ada.overdraft_limit == 25_000


def limits_asked(by: Any, number: int) -> list[LimitRequest]:
    for n in range(number):
        command = ChangeOverdraftLimit(
            account_id=make_account().id, overdraft_limit=Decimal(2000 + n), reason="A bridge"
        )
        run(command, origin(by))
    return list(LimitRequest.objects.order_by("id"))


def test_limits_are_for_those_who_may_see_them(ada: Account, people: dict[str, Any]) -> None:
    limits_asked(people["susan"], 1)
    reader = make_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_transaction"))
    html = html_of(reader)
    for hidden in ("Overdraft limit of", "A bridge", "susan"):
        assert hidden not in html
    assert "Nothing waits for approval" in html
    assert approvals_waiting(reader) == ""
    reader.user_permissions.add(Permission.objects.get(codename="view_limitrequest"))
    reader = User.objects.get(pk=reader.pk)  # A user object caches its rights.
    html = html_of(reader)
    for shown in ("Overdraft limit of", "A bridge", "susan"):
        assert shown in html
    assert approvals_waiting(reader) == "1"


def test_more_limits_than_a_page_has_are_said(ada: Account, people: dict[str, Any]) -> None:
    limits_asked(people["susan"], 25)
    response = client_of(people["sam"]).get(PAGE)
    assert len(response.context["limits"]) == 25
    assert "More overdraft limits wait" not in response.content.decode()
    limits_asked(people["susan"], 1)
    response = client_of(people["sam"]).get(PAGE)
    assert len(response.context["limits"]) == 25
    assert "More overdraft limits wait" in response.content.decode()
    listed = reverse("admin:accounts_limitrequest_changelist") + "?status__exact=PENDING"
    assert f'href="{listed}"' in response.content.decode()
    assert client_of(people["sam"]).get(listed).context["cl"].result_count == 26


# The number that waits ----------------------------------------------------------------------------


def test_an_open_page_asks_how_many_wait(people: dict[str, Any], ada: Account) -> None:
    url = reverse("approvals-waiting")
    assert client_of(people["aldo"]).get(url).json() == {"waiting": ""}
    ask(ada, people["tessa"], "2000")
    ask(ada, people["tessa"], "3000")
    run(
        ChangeOverdraftLimit(account_id=ada.id, overdraft_limit=Decimal(5000), reason="x"),
        origin(people["susan"]),
    )
    client = client_of(people["susan"])
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).json() == {"waiting": "3"}
    reads = [one for one in queries if "COUNT(*)" in one["sql"]]
    assert len(reads) == 1
    with override_settings(BANK_APPROVAL_THRESHOLDS={}):
        assert client.get(url).json() == {"waiting": "3"}, "as the list has them"
    assert client_of(make_user("new", is_staff=True)).get(url).status_code == 403
    assert Client().get(url).status_code == 302
    assert client.post(url).status_code == 405
