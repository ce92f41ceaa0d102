from decimal import Decimal

import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.states import ShownStatus
from core.commands import Origin
from core.errors import AccountClosed, AccountNotEmpty, NotFound, TransactionsPending
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Withdraw
from transactions.states import TransactionStatus
from transactions.tests.past_the_ledger import insert, queued_deposit

pytestmark = pytest.mark.django_db


def test_an_empty_account_is_closed_and_it_is_said_who_did_it(django_user_model) -> None:
    supervisor = django_user_model.objects.create_user("supervisor")
    account = make_account(balance="7.25")
    run(Withdraw(account_id=account.id, amount=Decimal("7.25")))
    origin = Origin(user_id=supervisor.id, caller="user:3", request_id="r-2", address="2001:db8::1")
    run(CloseAccount(account_id=account.id, reason="moved away"), origin)
    account.refresh_from_db()
    assert account.status == "CLOSED"
    assert account.shown_status == ShownStatus.CLOSED
    event = account.events.get(event="CLOSED")
    assert (event.before, event.after) == ({"status": "ACTIVE"}, {"status": "CLOSED"})
    assert event.actor == supervisor
    assert (event.caller, event.reason) == ("user:3", "moved away")
    assert (event.request_id, event.address) == ("r-2", "2001:db8::1")
    assert event.at == account.updated_at or event.at > account.updated_at


def test_a_frozen_account_can_be_closed_and_shows_as_closed() -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id))
    closed = run(CloseAccount(account_id=account.id, reason="done"))
    assert closed.shown_status == ShownStatus.CLOSED


@pytest.mark.parametrize(("balance", "shown"), [("0.01", "0.01"), ("-3", "-3.00")])
def test_a_balance_other_than_zero_keeps_it_open(balance: str, shown: str) -> None:
    account = make_account(overdraft_limit=Decimal(5), balance=10)
    run(Withdraw(account_id=account.id, amount=10 - Decimal(balance)))
    with nothing_changes(), pytest.raises(AccountNotEmpty) as caught:
        run(CloseAccount(account_id=account.id, reason="done"))
    assert caught.value.detail == f"The balance is {shown} USD, not zero."


def test_it_closes_once() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        run(CloseAccount(account_id=account.id, reason="again"))


@pytest.mark.parametrize("in_process", [False, True])
def test_what_is_queued_keeps_it_open(in_process: bool) -> None:
    account, other = make_account(), make_account()
    row = queued_deposit(account)
    insert(row)
    if in_process:
        row.status = TransactionStatus.PROCESSING
        row.save()
    with nothing_changes(), pytest.raises(TransactionsPending):
        run(CloseAccount(account_id=account.id, reason="done"))
    run(CloseAccount(account_id=other.id, reason="nothing is queued for this one"))


def test_pending_transactions_are_named_before_the_balance() -> None:
    account = make_account(balance=3)
    insert(queued_deposit(account))
    with nothing_changes(), pytest.raises(TransactionsPending):
        run(CloseAccount(account_id=account.id, reason="done"))


def test_an_unknown_account_cannot_be_closed() -> None:
    account = make_account()
    missing = uuid7(account.created_at)
    with nothing_changes(), pytest.raises(NotFound, match=str(missing)):
        run(CloseAccount(account_id=missing, reason="done"))
