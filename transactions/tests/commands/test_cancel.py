"""Cancelling transactions that have not started, in process."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.commands import CloseAccount
from core.commands import Origin
from core.errors import InvalidTransition, NotFound
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Cancel, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import claimed, history, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


def cancel(row, **fields):
    return run(Cancel(transaction_id=row.id, reason="Asked for by mistake"), **fields)


def test_what_is_cancelled_never_runs(django_user_model) -> None:
    teller = django_user_model.objects.create_user("teller")
    account = make_account(balance=7)
    tomorrow = timezone.now() + timedelta(days=1)
    first, second = queue_up(
        Withdraw(account_id=account.id, amount=Decimal(3)),
        Withdraw(account_id=account.id, amount=Decimal(2), scheduled_for=tomorrow),
    )
    for row in (first, second):
        cancel(row, origin=Origin(user_id=teller.id, caller="user:1"))
        kept = Transaction.objects.get(pk=row.id)
        assert (kept.status, kept.failure_code) == ("FAILED", "cancelled")
        assert kept.failure_detail == "Cancelled by the bank."
        assert history(row) == [("CANCELLED", "PENDING", "FAILED", 0)]
        event = kept.events.get()
        assert (event.actor_id, event.reason) == (teller.id, "Asked for by mistake")
    assert work() == 0
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (7, 1)


def test_what_has_started_or_ended_is_not_cancelled() -> None:
    account = make_account(balance=7)
    (started,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    assert claimed() == [started.id]
    completed = deposit(account, 5)
    refused = run(Withdraw(account_id=account.id, amount=Decimal(50)))
    for row in (started, completed, refused):
        with nothing_changes(), pytest.raises(InvalidTransition):
            cancel(row)
    with nothing_changes(), pytest.raises(NotFound):
        run(Cancel(transaction_id=uuid4(), reason="none"))


def test_an_account_can_be_closed_once_nothing_waits() -> None:
    account = make_account()
    (row,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    cancel(row)
    assert run(CloseAccount(account_id=account.id)).status == "CLOSED"
    assert outcome(row) == ("FAILED", "cancelled")


def test_a_cancelled_row_blocks_no_later_one() -> None:
    account = make_account(balance=7)
    first, second = queue_up(
        *(Withdraw(account_id=account.id, amount=Decimal(amount)) for amount in (6, 5))
    )
    cancel(first)
    assert work() == 1
    assert outcome(second) == ("COMPLETED", "")
