"""Rejecting transactions that wait for approval, in process."""

from decimal import Decimal
from uuid import uuid4

import pytest

from core.commands import Origin
from core.errors import InvalidTransition, NotFound, NotRetryable, SelfApproval
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Approve, Cancel, Reject, Retry, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import history, queue_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


@pytest.fixture(autouse=True)
def _thresholds(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}


def reject(row, origin: Origin):
    return run(Reject(transaction_id=row.id, reason="Unknown to the customer"), origin)


def test_what_is_rejected_is_final(django_user_model) -> None:
    susan = django_user_model.objects.create_user("susan")
    origin = Origin(user_id=susan.id, caller="user:1")
    account = make_account(balance=30, overdraft_limit=Decimal(40))
    row = run(Withdraw(account_id=account.id, amount=Decimal(60)))
    reject(row, origin)
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.status, kept.failure_code) == ("FAILED", "rejected")
    assert kept.failure_detail == "Rejected by the bank."
    assert kept.approved_by_id is None
    assert history(row) == [("REJECTED", "PENDING", "FAILED", 0)]
    event = kept.events.get()
    assert (event.actor_id, event.reason) == (susan.id, "Unknown to the customer")
    with nothing_changes():
        for command in (Approve(transaction_id=row.id), Reject(transaction_id=row.id)):
            with pytest.raises(InvalidTransition):
                run(command, origin)
        with pytest.raises(NotRetryable):
            run(Retry(transaction_id=row.id, reason="again"))
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (30, 1)


def test_only_what_waits_for_approval_is_rejected(django_user_model) -> None:
    susan = Origin(user_id=django_user_model.objects.create_user("susan").id)
    account = make_account(balance=30)
    (queued,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(5)))
    for row in (queued, deposit(account, 4)):
        with nothing_changes(), pytest.raises(InvalidTransition):
            reject(row, susan)
    with nothing_changes(), pytest.raises(NotFound):
        run(Reject(transaction_id=uuid4()), susan)


def test_nobody_rejects_what_they_asked_for_or_retried_but_its_maker_cancels_it(
    django_user_model,
) -> None:
    maker, retrier, susan = (
        Origin(user_id=django_user_model.objects.create_user(name).id, caller=f"user:{name}")
        for name in ("maker", "retrier", "susan")
    )
    account = make_account(balance=30)
    row = run(Withdraw(account_id=account.id, amount=Decimal(60)), maker)
    assert run(Approve(transaction_id=row.id), susan).failure_code == "insufficient_funds"
    run(Retry(transaction_id=row.id, reason="again"), retrier)
    for asker in (maker, retrier):
        with nothing_changes(), pytest.raises(SelfApproval, match="Nobody decides"):
            reject(row, asker)
    run(Cancel(transaction_id=row.id, reason="Not wanted"), maker)
    assert Transaction.objects.get(pk=row.id).failure_code == "cancelled"
