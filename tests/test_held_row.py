"""A decision on a transaction that another session holds gets `busy`, and nothing is done."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection

from core import bulkhead
from core.errors import BankError, Busy
from tests.assertions import nothing_changes
from tests.concurrency.interleaving import rival
from tests.factories import make_account, run
from transactions.commands import Decision, Withdraw
from transactions.models import Transaction

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

DECISIONS = Decision.__subclasses__()


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")
    yield
    bulkhead._bulkhead = None
    connection.close()


@pytest.mark.parametrize("kind", DECISIONS)
def test_a_decision_on_a_row_that_somebody_holds_is_busy(kind: type[Decision]) -> None:
    refused = run(Withdraw(account_id=make_account(balance=5).id, amount=Decimal(7)))
    decision = kind(transaction_id=refused.id, reason="It waits.")
    with rival() as session:
        session.session.execute(
            "SELECT FROM transactions_transaction WHERE id = %s FOR UPDATE", [refused.id]
        )
        for places in (1, 0):
            bulkhead._bulkhead = bulkhead.Bulkhead(places)
            with nothing_changes(), pytest.raises(Busy):
                run(decision)
    # The row is free, so any refusal is the decision's own.
    try:
        run(decision)
    except BankError as error:
        assert error.code != "busy"  # noqa: PT017 - some go through
    assert Transaction.objects.get(pk=refused.id).retry_count == (kind.__name__ == "Retry")


def test_every_decision_is_walked() -> None:
    assert {kind.__name__ for kind in DECISIONS} >= {"Retry", "Cancel", "Approve", "Reject"}
