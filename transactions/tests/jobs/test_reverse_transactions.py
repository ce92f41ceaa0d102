"""`manage.py reverse_transactions`: all or none."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Withdraw
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def test_all_are_reversed() -> None:
    account = make_account()
    rows = [deposit(account, 7), deposit(account, "2.50")]
    said = StringIO()
    call_command(
        "reverse_transactions", *[str(row.id) for row in rows], "--reason", "Twice", stdout=said
    )
    account.refresh_from_db()
    assert account.balance == 0
    reversals = {row.reverses_id: row for row in Transaction.objects.filter(type="REVERSAL")}
    assert said.getvalue().splitlines() == [
        f"{row.id} is reversed by {reversals[row.id].id}" for row in rows
    ]


def test_none_is_reversed_if_one_is_refused() -> None:
    spent, whole = make_account(), make_account()
    rows = [deposit(whole, 3), deposit(spent, 7)]
    run(Withdraw(account_id=spent.id, amount=Decimal(5)))
    with (
        nothing_changes(),
        pytest.raises(CommandError, match=r"Nothing was reversed: .*\(insufficient_funds\)"),
    ):
        call_command("reverse_transactions", *[str(row.id) for row in rows], "--reason", "Twice")
