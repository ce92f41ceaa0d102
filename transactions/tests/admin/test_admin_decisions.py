"""The buttons of a transaction's page in the admin, which run the same commands as the API."""

from decimal import Decimal

import pytest
from django.contrib.messages import get_messages

from accounts.models import Account
from tests.admin import logged_in_as, transaction_url
from tests.factories import deposit, make_account, run
from transactions.commands import Withdraw
from transactions.models import Transaction, TransactionEvent

pytestmark = pytest.mark.django_db


def refused_withdrawal() -> Transaction:
    account = make_account(balance=7)
    row = run(Withdraw(account_id=account.id, amount=Decimal(9)))
    return Transaction.objects.get(pk=row.id)


def said(response) -> list[str]:
    """The messages, without their links."""
    return [str(message).split(" <a")[0] for message in get_messages(response.wsgi_request)]


def test_a_teller_retries_after_a_deposit() -> None:
    failed = refused_withdrawal()
    deposit(Account.objects.get(pk=failed.debit_account_id), "2.50")
    response = logged_in_as("teller").post(
        transaction_url(failed, "retry"), {"reason": "Has paid in"}
    )
    assert response.status_code == 302
    failed.refresh_from_db()
    assert (failed.status, failed.retry_count) == ("COMPLETED", 1)
    assert failed.debit_balance_after == Decimal("0.5")
    assert said(response) == ["Retried: withdrawal of 9.00 USD from Ada Lovelace."]
    event = TransactionEvent.objects.filter(transaction=failed, event="RETRIED").get()
    assert (event.actor.username, event.reason) == ("teller", "Has paid in")
    assert event.address == "127.0.0.1"


def test_a_refusal_is_told_with_its_code_and_kept() -> None:
    failed = refused_withdrawal()
    response = logged_in_as("teller").post(
        transaction_url(failed, "retry"), {"reason": "Once more"}
    )
    failed.refresh_from_db()
    assert (failed.status, failed.retry_count) == ("FAILED", 1)
    retried = "Retried: withdrawal of 9.00 USD from Ada Lovelace. It has failed."
    refusal = "Insufficient funds: 7.00 USD available, 9.00 USD needed."
    assert said(response) == [f"{retried} {refusal}"]


def test_without_a_reason_nothing_happens() -> None:
    failed = refused_withdrawal()
    client = logged_in_as("teller")
    for answer in (
        client.get(transaction_url(failed, "retry")),
        client.post(transaction_url(failed, "retry"), {}),
    ):
        assert answer.status_code == 200
        assert 'name="reason"' in answer.content.decode()
    failed.refresh_from_db()
    assert (failed.status, failed.retry_count) == ("FAILED", 0)


def test_a_supervisor_reverses_once() -> None:
    account = make_account(balance=7)
    paid_in = Transaction.objects.get(credit_account=account)
    client = logged_in_as("supervisor")
    response = client.post(transaction_url(paid_in, "reverse"), {"reason": "Counted wrong"})
    reversal = Transaction.objects.get(reverses=paid_in)
    assert (reversal.status, reversal.description) == ("COMPLETED", "Counted wrong")
    assert said(response) == ["Reversed: deposit of 7.00 USD to Ada Lovelace."]
    assert client.get(transaction_url(paid_in, "reverse")).status_code == 403
    shown = client.get(f"/admin/transactions/transaction/{paid_in.pk}/change/").content.decode()
    assert transaction_url(paid_in, "reverse") not in shown
    # The second of two clicks gets the error.
    again = client.post(transaction_url(paid_in, "reverse"), {"reason": "Counted wrong"})
    assert said(again)[-1].endswith("The transaction has a reversal already.")
    assert Transaction.objects.filter(reverses=paid_in).count() == 1


@pytest.mark.parametrize(
    ("role", "button", "status"),
    [
        ("auditor", "retry", 403),
        ("auditor", "reverse", 403),
        ("teller", "retry", 200),
        ("teller", "reverse", 403),
        ("supervisor", "retry", 200),
        # The row has failed, so there is nothing to reverse and nothing waits.
        ("supervisor", "reverse", 403),
        ("supervisor", "approve", 403),
        ("supervisor", "cancel", 403),
    ],
)
def test_a_button_is_for_its_right_and_its_state(role: str, button: str, status: int) -> None:
    failed = refused_withdrawal()
    client = logged_in_as(role)
    assert client.get(transaction_url(failed, button)).status_code == status
    shown = client.get(f"/admin/transactions/transaction/{failed.pk}/change/").content.decode()
    assert (transaction_url(failed, button) in shown) == (status == 200)


@pytest.mark.parametrize("button", ["retry", "reverse", "approve", "reject", "cancel"])
def test_a_missing_transaction_has_no_buttons(button: str) -> None:
    client = logged_in_as("supervisor")
    for name in ("019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27", "nonsense"):
        url = f"/admin/transactions/transaction/{name}/{button}/"
        assert client.post(url, {"reason": "x"}).status_code in (403, 404)
