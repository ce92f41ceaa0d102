"""Claims: how long they are, and how they are given back."""

from decimal import Decimal

import pytest

from tests.factories import ORIGIN, make_account
from transactions.commands import Withdraw
from transactions.models import Transaction
from transactions.queue import waiting as queue
from transactions.queue.acceptance import accept
from transactions.tests.queueing import WORKER, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


def claim_of(*amounts: int, balance: int = 30) -> queue.Claim:
    account = make_account(balance=balance)
    commands = [Withdraw(account_id=account.id, amount=Decimal(amount)) for amount in amounts]
    accept(commands, ORIGIN)
    return queue.claim("mine", WORKER, batch_size=500)


def test_a_long_claim_is_given_back_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_MOST_AT_ONCE", 2)
    for size in (3, 4):
        claim = claim_of(*range(1, size + 1))
        assert queue.release(claim.lease, WORKER) == size
        waiting = Transaction.objects.filter(pk__in=claim.transaction_ids, status="PENDING")
        assert waiting.count() == size
        assert work() == size
