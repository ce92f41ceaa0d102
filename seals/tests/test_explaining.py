"""A balance explained: what is sealed, what came since, what is held; and damage shows."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CASH, Account, internal_account_id
from seals.explaining import MOST_HOLDS, explain
from seals.tests.sealing_bank import made, make_sealed_bank, without_guards
from tests.api import ApiClient, account_path, make_user, staff
from tests.factories import deposit, make_hold, run
from tests.identities import client_with, token_of
from transactions.commands import Capture, Withdraw
from transactions.tests.damaged_ledger import execute

pytestmark = pytest.mark.django_db(transaction=True)


def explained(client: ApiClient, account: Account) -> dict[str, Any]:
    response = client.get(account_path(account, "balance/explain"))
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_a_balance_is_what_is_sealed_and_what_came_since_less_holds(keyed: Path) -> None:
    bank, client = make_sealed_bank(), staff("auditor")
    ada = bank.ada
    fresh = explained(client, ada)
    assert (fresh["sealed"], fresh["sequence"], fresh["since"]["entries"]) == (None, 4, 4)
    number = made().number
    hold = make_hold(ada, 20, description="Hotel")
    run(Capture(hold_id=hold.pk, amount=Decimal(5)))
    deposit(ada, "1.50")
    shown = explained(client, ada)
    assert shown == {
        "account_id": str(ada.pk),
        "currency": "USD",
        "sequence": 6,
        "sealed": {"seal": number, "sequence": 4, "balance": "98.00"},
        "since": {"entries": 2, "credits": "1.50", "debits": "5.00"},
        "computed_balance": "94.50",
        "balance": "94.50",
        "overdraft_limit": "0.00",
        "held": "15.00",
        "open_holds": 1,
        "holds": [{"hold_id": str(hold.pk), "held": "15.00", "description": "Hotel"}],
        "available_balance": "79.50",
        "agrees": True,
    }
    with CaptureQueriesContext(connection) as statements:
        explain(ada.pk)
    assert len(statements) == 1
    assert (
        client.get(account_path(internal_account_id(CASH, "USD"), "balance/explain")).status_code
        == 404
    )


def test_a_token_that_may_not_read_holds_gets_their_sum_alone(keyed: Path) -> None:
    ada = make_sealed_bank().ada
    make_hold(ada, 20, description="Hotel")
    for scopes, listed in (
        (("accounts:read",), None),
        (("accounts:read", "transactions:read"), ["Hotel"]),
    ):
        auditor = make_user(f"auditor of {len(scopes)}", role="auditor")
        shown = explained(client_with(token_of(auditor, scopes)), ada)
        assert (shown["held"], shown["open_holds"]) == ("20.00", 1)
        holds = shown["holds"]
        assert (holds and [one["description"] for one in holds]) == listed
        assert ("Hotel" in str(shown)) == bool(listed)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE accounts_account SET balance = balance + 1 WHERE id = '{id}'",
        "UPDATE accounts_account SET held = held + 1 WHERE id = '{id}'",
        "UPDATE transactions_transaction SET amount = amount + 1 WHERE debit_sequence = 5",
        "DELETE FROM transactions_transaction WHERE debit_sequence = 5",
    ],
)
def test_damage_does_not_agree(keyed: Path, damage: str) -> None:
    ada = make_sealed_bank().ada
    made()
    make_hold(ada, 3)
    run(Withdraw(account_id=ada.pk, amount=Decimal(1)))
    found = explain(ada.pk)
    assert found is not None
    assert found.agrees
    with without_guards():
        assert execute(damage.format(id=ada.pk.hex)) == 1
        found = explain(ada.pk)
        assert found is not None
        assert not found.agrees


def test_an_account_with_very_many_holds_lists_the_newest(keyed: Path) -> None:
    ada = make_sealed_bank().ada
    for _ in range(MOST_HOLDS + 1):
        newest = make_hold(ada, "0.01")
    found = explain(ada.pk)
    assert found is not None
    assert (found.open_holds, len(found.holds), found.agrees) == (MOST_HOLDS + 1, MOST_HOLDS, True)
    assert found.holds[0]["id"].replace("-", "") == newest.pk.hex
