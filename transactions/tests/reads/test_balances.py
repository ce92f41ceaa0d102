"""Balances at many past moments: correct, in one statement that reads an index."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from tests.factories import deposit, make_account, run
from transactions.commands import Withdraw
from transactions.models import Entry
from transactions.reads.balances import PastBalance, balances_at

pytestmark = pytest.mark.django_db


def test_each_moment_has_the_balance_of_the_last_entry_until_then() -> None:
    account = make_account()
    for amount in (1, 2, 4, 8, 16):
        deposit(account, amount)
    run(Withdraw(account_id=account.id, amount=Decimal("0.5")))
    account.refresh_from_db()
    posted = list(Entry.objects.filter(account=account).order_by("sequence"))
    # Out of order, twice, between entries, and before and after all of them.
    moments = [posted[number].posted_at for number in (5, 0, 3, 3)]
    moments += [posted[0].posted_at - timedelta(days=9), timezone.now()]
    with CaptureQueriesContext(connection) as queries:
        found = balances_at(account, moments)
    assert len(queries) == 1
    assert found == [
        PastBalance(6, Decimal("30.5")),
        PastBalance(1, Decimal(1)),
        PastBalance(4, Decimal(15)),
        PastBalance(4, Decimal(15)),
        PastBalance(0, Decimal(0)),
        PastBalance(6, Decimal("30.5")),
    ]


def test_an_account_without_entries_has_had_nothing() -> None:
    account: Account = make_account()
    with CaptureQueriesContext(connection) as queries:
        assert balances_at(account, [timezone.now()]) == [PastBalance(0, Decimal(0))]
        assert balances_at(account, []) == []
    assert len(queries) == 0
