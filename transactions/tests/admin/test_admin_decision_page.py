"""The page of a decision shows what it is about and what it would do, before the reason."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages

from accounts.commands import FreezeAccount
from accounts.models import Account
from core.commands import Origin
from tests.admin import logged_in, logged_in_as, transaction_url, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Transaction, TransactionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def threshold(settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}


def stored(row: Any) -> Transaction:
    return Transaction.objects.get(pk=row.id)


def waiting(balance: int = 4000) -> Transaction:
    """A transfer of 1,200.00 that tessa has asked for."""
    ada = make_account(name="Ada Lovelace", balance=500)
    for _ in range(balance // 500 - 1):
        deposit(ada, 500)
    bob = make_account(name="Bob Bell", balance=7)
    command = Transfer(
        account_id=ada.id, target_account_id=bob.id, amount=Decimal(1200), description="For a car"
    )
    tessa = make_user("tessa", role="teller")
    return stored(run(command, Origin(user_id=tessa.pk, caller=f"user:{tessa.pk}")))


def failed() -> Transaction:
    ada = make_account(name="Ada Lovelace", balance=7)
    return stored(run(Withdraw(account_id=ada.id, amount=Decimal(9), description="Cash")))


def completed() -> Transaction:
    ada = make_account(name="Ada Lovelace", balance=7)
    bob = make_account(name="Bob Bell", balance=1)
    command = Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(2))
    return stored(run(command))


def page_of(row: Transaction, button: str, client: Any = None) -> str:
    html = (client or logged_in_as("supervisor")).get(transaction_url(row, button)).content.decode()
    return words_of(html)


# The button, the transaction, and the table of sides: name, balance now, balance afterwards.
SHOWN: list[tuple[str, Callable[[], Transaction], list[str]]] = [
    ("approve", waiting, ["4,000.00 USD 2,800.00 USD", "7.00 USD 1,207.00 USD"]),
    ("reject", waiting, ["4,000.00 USD unchanged", "7.00 USD unchanged"]),
    ("cancel", waiting, ["4,000.00 USD unchanged", "7.00 USD unchanged"]),
    ("retry", failed, ["7.00 USD unchanged"]),
    ("reverse", completed, ["3.00 USD 1.00 USD", "5.00 USD 7.00 USD"]),
]


@pytest.mark.parametrize(("button", "make", "balances"), SHOWN, ids=[one[0] for one in SHOWN])
def test_the_page_shows_all_that_decides(
    button: str, make: Callable[[], Transaction], balances: list[str]
) -> None:
    row = make()
    with nothing_changes():
        words = page_of(row, button)
    assert f"{row.get_type_display()} of {row.amount:,.2f} USD" in words
    assert row.description in words
    assert ("Asked by tessa" if row.created_by else "Asked by a job of the bank") in words
    for account in (row.debit_account, row.credit_account):
        assert f"{account.name} {account.number}" in words
    for line in balances:
        assert line in words, words


@pytest.mark.parametrize(("button", "make"), [one[:2] for one in SHOWN])
def test_what_the_page_has_shown_is_done(button: str, make: Callable[[], Transaction]) -> None:
    row, client = make(), logged_in_as("supervisor")
    form = {"reason": "Seen", "foreseen": foreseen(client, row, button)}
    response = client.post(transaction_url(row, button), form)
    assert response.status_code == 302
    assert "differ" not in said(response)[0]


@pytest.mark.parametrize("button", ["reject", "cancel"])
def test_a_deposit_that_waits_is_ended(button: str) -> None:
    row = stored(run(Deposit(account_id=make_account().id, amount=Decimal(5000))))
    client = logged_in_as("supervisor")
    form = {"reason": "No papers", "foreseen": foreseen(client, row, button)}
    assert client.post(transaction_url(row, button), form).status_code == 302
    row.refresh_from_db()
    assert row.status == "FAILED"


def test_a_retry_that_would_fail_again_says_so_first() -> None:
    row = failed()
    refusal = "It would be refused now. Insufficient funds: 7.00 USD available, 9.00 USD needed."
    assert refusal in page_of(row, "retry")
    deposit(row.debit_account, 10)
    words = page_of(row, "retry", logged_in(make_user("olive", role="supervisor")))
    assert "would be refused" not in words
    assert "17.00 USD 8.00 USD" in words


@pytest.mark.parametrize("button", ["approve", "reject"])
def test_an_approval_that_would_be_refused_is_told_also_to_those_who_reject(button: str) -> None:
    words = page_of(waiting(balance=500), button)
    assert "would be refused" in words
    assert "500.00 USD available, 1200.00 USD needed" in words.replace("1,200.00", "1200.00")


def test_who_asked_again_is_named() -> None:
    row = failed()
    tessa = logged_in(make_user("tessa", role="teller"))
    tessa.post(transaction_url(row, "retry"), {"reason": "Has paid in"})
    TransactionEvent.objects.get(event="RETRIED")
    assert "Asked again by tessa" in page_of(row, "retry")


def test_a_decision_that_is_refused_has_no_button() -> None:
    row = waiting()
    client = logged_in(row.created_by)
    row.created_by.groups.set(make_user("s", role="supervisor").groups.all())
    html = client.get(transaction_url(row, "approve")).content.decode()
    assert "Nobody decides on their own request" in words_of(html)
    assert 'name="reason"' not in html


def foreseen(client: Any, row: Transaction, button: str) -> str:
    html = client.get(transaction_url(row, button))
    return html.context["form"]["foreseen"].value()


def said(response: Any) -> list[str]:
    return [str(message).split(" <a")[0] for message in get_messages(response.wsgi_request)]


def test_an_outcome_that_has_changed_meanwhile_decides_nothing() -> None:
    row, client = waiting(), logged_in_as("supervisor")
    mark = foreseen(client, row, "approve")
    run(FreezeAccount(account_id=row.debit_account_id, reason="Court"))
    form = {"reason": "Seen the contract", "foreseen": mark}
    with nothing_changes():
        response = client.post(transaction_url(row, "approve"), form)
    words = words_of(response.content.decode())
    assert "The outcome has changed since the page was shown. Nothing was done" in words
    assert "The account is frozen" in words
    assert "Seen the contract" in response.content.decode()
    # What it shows now can be decided.
    form["foreseen"] = response.context["form"]["foreseen"].value()
    assert client.post(transaction_url(row, "approve"), form).status_code == 302
    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("FAILED", "account_frozen")


def test_other_balances_do_not_stop_it_but_are_told() -> None:
    row, client = waiting(), logged_in_as("supervisor")
    mark = foreseen(client, row, "approve")
    deposit(Account.objects.get(pk=row.debit_account_id), 5)
    response = client.post(transaction_url(row, "approve"), {"foreseen": mark})
    done = "Approved: transfer of 1,200.00 USD from Ada Lovelace to Bob Bell."
    differs = "The balances differ from the page: others have used the account since."
    assert said(response) == [f"{done} {differs}"]


def test_a_forgotten_reason_keeps_what_was_shown() -> None:
    row, client = waiting(), logged_in_as("supervisor")
    mark = foreseen(client, row, "reject")
    response = client.post(transaction_url(row, "reject"), {"foreseen": mark})
    assert response.status_code == 200
    assert response.context["form"]["foreseen"].value() == mark
    assert "This field is required" in response.content.decode()


def test_a_forgotten_reason_does_not_hide_what_changed_meanwhile() -> None:
    row, client = completed(), logged_in_as("supervisor")
    form = {"reason": "", "foreseen": foreseen(client, row, "reverse")}
    run(FreezeAccount(account_id=row.credit_account_id, reason="Court"))
    for said_now in (True, False):
        with nothing_changes():
            response = client.post(transaction_url(row, "reverse"), form)
        words = words_of(response.content.decode())
        assert "This field is required" in words
        assert ("The outcome has changed since the page was shown" in words) == said_now
        form["foreseen"] = response.context["form"]["foreseen"].value()


@pytest.mark.parametrize(
    ("button", "query", "open_page"),
    [
        ("approve", "", "Approvals"),
        ("reject", "?from=approvals", "Approvals"),
        ("cancel", "?from=approvals", "Approvals"),
        ("cancel", "", "Transactions"),
        ("change", "", "Transactions"),
    ],
)
def test_the_menu_marks_where_one_is(button: str, query: str, open_page: str) -> None:
    response = logged_in_as("supervisor").get(f"{transaction_url(waiting(), button)}{query}")
    pages = [page for group in response.context["sidebar_navigation"] for page in group["items"]]
    assert [page["title"] for page in pages if page["active"]] == [open_page]


def test_a_reversal_that_waits_says_so() -> None:
    ada = make_account(name="Ada Lovelace", balance=0)
    client = logged_in_as("supervisor")
    large = stored(run(Deposit(account_id=ada.id, amount=Decimal(5000))))
    logged_in(make_user("olive", role="supervisor")).post(
        transaction_url(large, "approve"), {"reason": ""}
    )
    assert "wait until a second person approves it" in page_of(large, "reverse", client)
    response = client.post(transaction_url(large, "reverse"), {"reason": "Counted wrong"})
    done = "Reversed: deposit of 5,000.00 USD to Ada Lovelace."
    waits = "It waits until a second person approves it. Nothing moves before."
    assert said(response) == [f"{done} {waits}"]
