"""Several approvals at once, by the list of transactions that wait."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from core.commands import Origin
from tests.admin import logged_in, logged_in_as, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit, Withdraw
from transactions.models import Transaction, TransactionEvent
from transactions.tests.admin.test_admin_bulk import (
    LIST,
    ask,
    outcomes,
    rows_field,
    selected,
    target_of,
)
from transactions.tests.queueing import queue_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada")


@pytest.fixture
def requested(ada: Account, settings: Any) -> list[Transaction]:
    """Three deposits that wait, of 10 and 20 by tessa, and of 30 by the supervisor herself."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
    tessa, own = make_user("tessa", role="teller"), make_user("supervisor", role="supervisor")
    asked = [(tessa, 10), (tessa, 20), (own, 30)]
    commands = [
        (Deposit(account_id=ada.id, amount=Decimal(n)), Origin(user_id=user.pk, caller="user:x"))
        for user, n in asked
    ]
    return [Transaction.objects.get(pk=run(*one).id) for one in commands]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_supervisor_decides_on_several_but_not_on_her_own(
    verb: str, ada: Account, requested: list[Transaction]
) -> None:
    client = logged_in(get_user_model().objects.get(username="supervisor"))
    url = f"{LIST}?approval=waits"
    target, rows = ask(client, *requested, action=f"{verb}_selected", url=url)
    before = Account.objects.get(pk=ada.pk).balance
    answer = client.post(target, {"rows": rows, "reason": "Seen the papers"})
    told = outcomes(answer)
    own, *others = told
    assert [outcome for outcome, _ in others] == ["Done", "Done"]
    assert own[0] == "Refused"
    assert own[1].startswith("Nobody decides on their own request")
    assert answer.context["back"] == url
    ada.refresh_from_db()
    assert ada.balance - before == (Decimal(30) if verb == "approve" else 0)
    events = TransactionEvent.objects.filter(reason="Seen the papers")
    assert {event.transaction_id for event in events} == {row.pk for row in requested[:2]}
    again = outcomes(client.post(target, {"rows": rows, "reason": "Once more"}))
    assert [outcome for outcome, _ in again] == ["Refused"] * 3


@pytest.fixture
def withdrawals(requested: list[Transaction]) -> list[Transaction]:
    """Three more that wait, of 15, 12 and 10, from an account with 25."""
    bob = make_account(name="Bob")
    for amount in (7, 7, 7, 4):
        deposit(bob, amount)
    tessa = Origin(user_id=get_user_model().objects.get(username="tessa").pk, caller="user:x")
    return [
        Transaction.objects.get(
            pk=run(
                Withdraw(account_id=bob.id, amount=Decimal(n), description=f"Van, part {n}"), tessa
            ).id
        )
        for n in (10, 12, 15)
    ]


def supervisor() -> Any:
    return logged_in(get_user_model().objects.get(username="supervisor"))


def test_the_page_shows_maker_both_sides_sums_and_what_would_be_refused(
    requested: list[Transaction], withdrawals: list[Transaction]
) -> None:
    client = supervisor()
    chosen = selected(requested[2], *withdrawals, action="approve_selected")
    html = client.post(LIST, chosen).content.decode()
    words = words_of(html)
    # One is hers; after the 15, newest first, 10 are left: not enough for the 12, but for the 10.
    assert (
        "2 of them would be refused now: your own request (1), insufficient funds (1)." in words
    ) or ("2 of them would be refused now: insufficient funds (1), your own request (1)." in words)
    assert "Together 67.00 USD. Without those that would be refused: 25.00 USD." in words
    assert "tessa, by hand or by a program" in words
    assert "Van, part 12" in words
    for balances in ("25.00 USD → 10.00 USD", "10.00 USD → -2.00 USD", "10.00 USD → 0.00 USD"):
        assert balances in words
    assert "You asked for this, so someone else decides." in words
    assert "Insufficient funds: 10.00 USD available, 12.00 USD needed." in words
    answer = client.post(target_of(html), {"rows": rows_field(html), "reason": "Seen"})
    assert [outcome for outcome, _ in outcomes(answer)] == ["Done", "Refused", "Done", "Refused"]
    names = words_of(answer.content.decode())
    assert "Withdrawal of 15.00 USD from Bob" in names
    assert "Deposit of 30.00 USD to Ada" in names


def test_what_is_rejected_is_shown_too_but_her_own_would_be_refused(
    requested: list[Transaction], withdrawals: list[Transaction]
) -> None:
    html = (
        supervisor()
        .post(LIST, selected(requested[2], *withdrawals, action="reject_selected"))
        .content.decode()
    )
    words = words_of(html)
    assert "1 of them would be refused now: your own request (1)." in words
    assert "Together 67.00 USD. Without those that would be refused: 37.00 USD." in words
    assert "You asked for this, so someone else decides." in words
    assert "Insufficient funds: 10.00 USD available, 12.00 USD needed." in words


def test_an_outcome_that_changed_meanwhile_is_asked_about_again(
    withdrawals: list[Transaction],
) -> None:
    client = supervisor()
    target, rows = ask(client, *withdrawals, action="approve_selected")
    run(Withdraw(account_id=withdrawals[0].debit_account_id, amount=Decimal(7)))
    with nothing_changes():
        answer = client.post(target, {"rows": rows, "reason": "Seen"})
    html = answer.content.decode()
    words = words_of(html)
    assert "The outcome has changed since the page was shown. Nothing was done" in words
    assert "2 of them would be refused now: insufficient funds (2)." in words
    assert ">Seen</textarea>" in html
    done = client.post(target_of(html), {"rows": rows_field(html), "reason": "Seen"})
    assert [outcome for outcome, _ in outcomes(done)] == ["Done", "Refused", "Refused"]


def test_a_forgotten_reason_does_not_hide_what_changed_meanwhile(
    withdrawals: list[Transaction],
) -> None:
    client = supervisor()
    target, rows = ask(client, *withdrawals, action="approve_selected")
    run(Withdraw(account_id=withdrawals[0].debit_account_id, amount=Decimal(7)))
    for said_now in (True, False):
        with nothing_changes():
            html = client.post(target, {"rows": rows, "reason": ""}).content.decode()
        assert "This field is required" in html
        assert ("The outcome has changed since the page was shown" in words_of(html)) == said_now
        rows = rows_field(html)


def test_a_request_whose_time_has_come_meanwhile_is_asked_about_again(
    ada: Account, settings: Any
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
    noon = timezone.now() + timedelta(minutes=5)
    (scheduled,) = queue_up(Withdraw(account_id=ada.id, amount=Decimal(9), scheduled_for=noon))
    deposit(ada, 7)
    deposit(ada, 7)
    client = logged_in_as("supervisor")
    target, rows = ask(client, scheduled, action="approve_selected")
    with time_machine.travel(noon + timedelta(minutes=1), tick=False):
        with nothing_changes():
            answer = client.post(target, {"rows": rows, "reason": "Seen"})
        html = answer.content.decode()
        assert "The outcome has changed since the page was shown" in words_of(html)
        assert "It would wait for its time." not in words_of(html)
        done = client.post(target_of(html), {"rows": rows_field(html), "reason": "Seen"})
    assert [outcome for outcome, _ in outcomes(done)] == ["Done"]


def test_owners_and_what_waits_for_its_time_or_no_more_are_told(
    ada: Account, settings: Any
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
    susan = make_user("supervisor", role="supervisor")
    own = make_account(name="Susan", owner_id=susan.pk)
    later = timezone.now() + timedelta(days=3)
    scheduled, hers = queue_up(
        Withdraw(account_id=ada.id, amount=Decimal(9), scheduled_for=later),
        Deposit(account_id=own.id, amount=Decimal(8)),
    )
    ended = Transaction.objects.get(pk=deposit(ada, 1).id)
    client = logged_in(susan)
    rows = (scheduled, hers, ended)
    for action in ("approve_selected", "reject_selected"):
        words = words_of(client.post(LIST, selected(*rows, action=action)).content.decode())
        assert "2 of them would be refused now" in words
        assert "an account of your own (1)" in words
        assert "not possible in this state (1)" in words
        assert "It would wait for its time." in words
        assert "One of the accounts is your own." in words


def test_asking_about_approvals_costs_the_same_for_one_and_for_many(
    requested: list[Transaction], withdrawals: list[Transaction]
) -> None:
    client = supervisor()

    def cost(*rows: Transaction) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(LIST, selected(*rows, action="approve_selected"))
        assert answer.status_code == 200
        return len(queries)

    cost(requested[0])  # Fills Django's caches.
    assert cost(requested[0]) == cost(*requested, *withdrawals) <= 15


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ({}, [30, 20, 10]),
        ({"made_by": "tessa"}, [20, 10]),
        ({"made_by": "nobody"}, []),
        ({"amount_from": "15", "amount_to": "25"}, [20]),
        ({"approval": "nonsense"}, []),
    ],
)
def test_what_waits_is_filtered(
    query: dict[str, str], amounts: list[int], requested: list[Transaction]
) -> None:
    deposit(requested[0].credit_account, 7)
    page = logged_in_as("auditor").get(LIST, {"approval": "waits"} | query)
    assert [row.amount for row in page.context["cl"].result_list] == amounts
