"""The timeline of a transaction on its page: every attempt, who asked for it, and why."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account
from core.commands import Origin
from tests.api import make_user
from tests.factories import deposit, make_account, run
from transactions.admin import timeline as timelines
from transactions.admin.timeline import caller_in_words, through_in_words, timeline
from transactions.commands import Deposit, Retry, Reverse, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db


def told(transaction_id: Any) -> list[tuple[str, str, str, str]]:
    steps = timeline(Transaction.objects.get(pk=transaction_id)).steps
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    return [(step.what, str(step.status), step.failure, step.reason) for step in steps]


def short_of(available: str, needed: str) -> str:
    return f"Insufficient funds: {available} USD available, {needed} USD needed."


def test_an_immediate_movement_has_two_steps() -> None:
    row = deposit(make_account(), 7)
    assert told(row.id) == [("Asked for", "PENDING", "", ""), ("Completed", "COMPLETED", "", "")]


def test_each_attempt_keeps_its_failure() -> None:
    account = make_account(balance=7)
    tessa = make_user("tessa", role="teller")
    origin = Origin(user_id=tessa.pk, caller=f"user:{tessa.pk}", request_id="r-7")
    row = run(Withdraw(account_id=account.id, amount=Decimal(9)), origin)
    assert told(row.id) == [
        ("Asked for", "PENDING", "", ""),
        ("Failed", "FAILED", short_of("7.00", "9.00"), ""),
    ]
    deposit(account, 1)
    run(Retry(transaction_id=row.id, reason="Has paid in"), origin)
    deposit(account, 4)
    run(Retry(transaction_id=row.id, reason="Now enough"), origin)
    assert told(row.id) == [
        ("Asked for", "PENDING", "", ""),
        ("Failed", "FAILED", short_of("7.00", "9.00"), ""),
        ("Retried", "PENDING", "", "Has paid in"),
        ("Failed", "FAILED", short_of("8.00", "9.00"), ""),
        ("Retried", "PENDING", "", "Now enough"),
        ("Completed", "COMPLETED", "", ""),
    ]
    steps = timeline(Transaction.objects.get(pk=row.id)).steps
    assert [step.who for step in steps] == [
        "tessa, by hand or by a program",
        "",
        *["tessa"] * 4,
    ]
    assert [step.request_id for step in steps] == ["r-7", "", *["r-7"] * 4]


def test_the_queue_tells_its_steps() -> None:
    account = make_account(balance=7)
    (row,) = queue_up(Deposit(account_id=account.id, amount=Decimal(5)))
    assert told(row.pk) == [("Asked for", "PENDING", "", "")]
    work()
    assert told(row.pk) == [
        ("Asked for", "PENDING", "", ""),
        ("Started by a worker", "PROCESSING", "", ""),
        ("Completed", "COMPLETED", "", ""),
    ]


def test_a_long_course_is_cut(monkeypatch: pytest.MonkeyPatch, admin_client: Client) -> None:
    account = make_account(balance=7)
    row = run(Withdraw(account_id=account.id, amount=Decimal(9)))
    for n in range(2):
        run(Retry(transaction_id=row.id, reason=f"Reason {n}"))
    monkeypatch.setattr(timelines, "MOST_EVENTS", 3)
    assert [(what, reason) for what, _, _, reason in told(row.id)] == [
        ("Failed", ""),
        ("Retried", "Reason 1"),
        ("Failed", ""),
    ]
    page = reverse("admin:transactions_transaction_change", args=[row.id])
    html = admin_client.get(page).content.decode()
    events = reverse("admin:transactions_transactionevent_changelist")
    link = f"{events}?transaction={row.id}"
    assert f'href="{link}"' in html
    assert admin_client.get(link).context["cl"].result_count == 4


def test_it_costs_one_statement() -> None:
    account = make_account(balance=7)
    row = run(Withdraw(account_id=account.id, amount=Decimal(9)))
    for _ in range(4):
        run(Retry(transaction_id=row.id, reason="Again"))
    failed = Transaction.objects.select_related("created_by").get(pk=row.id)
    with CaptureQueriesContext(connection) as queries:
        timeline(failed)
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("caller", "words"),
    [("client:ab12", "API client ab12"), ("worker:one", "worker one"), ("other", "other")],
)
def test_a_caller_without_a_user_is_described_in_words(caller: str, words: str) -> None:
    assert caller_in_words(caller) == words


@pytest.mark.parametrize(
    ("caller", "words"),
    [
        ("client:ab12", "through API client ab12"),
        ("user:7", ""),
        (None, "by hand or by a program"),
    ],
)
def test_the_way_is_claimed_only_where_it_is_known(caller: str | None, words: str) -> None:
    assert through_in_words(caller) == words


def test_only_those_who_may_read_events_see_them(client: Client) -> None:
    row = deposit(make_account(), 7)
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_transaction"))
    client.force_login(user)
    page = reverse("admin:transactions_transaction_change", args=[row.id])
    assert "What happened to it" not in client.get(page).content.decode()
    user.user_permissions.add(Permission.objects.get(codename="view_transactionevent"))
    assert "What happened to it" in client.get(page).content.decode()


def test_the_page_leads_to_both_accounts_and_both_ways_along_a_reversal(
    admin_client: Client,
) -> None:
    account = make_account(balance=7)
    opening = Transaction.objects.get()
    reversal = run(Reverse(transaction_id=opening.id, reason="Counted wrong"))
    cash = Account.objects.get(code="CASH")
    html = {
        one: admin_client.get(
            reverse("admin:transactions_transaction_change", args=[one])
        ).content.decode()
        for one in (opening.id, reversal.id)
    }
    for one, other in ((opening.id, reversal.id), (reversal.id, opening.id)):
        assert reverse("admin:transactions_transaction_change", args=[other]) in html[one]
        for side in (account, cash):
            assert reverse("admin:accounts_account_change", args=[side.pk]) in html[one]
        # The debit comes first, as in the API.
        entries = html[one].split("Entries")[-1]
        assert entries.index("Debit") < entries.index("Credit")
