"""A customer's dry run reveals no more about other people's accounts than the real request."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import CASH, internal_account_id
from accounts.states import FreezeScope
from tests.api import account_path, client_of, make_user
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ROUTES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("at once", {}, {}),
    ("queued", {}, {"Prefer": "respond-async"}),
    ("scheduled", {"scheduled_for": (timezone.now() + timedelta(days=2)).isoformat()}, {}),
]


def foreign_accounts() -> dict[str, UUID]:
    accounts = {name: make_account(name=name) for name in ("open", "frozen", "blocked", "closed")}
    run(FreezeAccount(account_id=accounts["frozen"].id, reason="x"))
    run(FreezeAccount(account_id=accounts["blocked"].id, scope=FreezeScope.DEBITS, reason="x"))
    run(CloseAccount(account_id=accounts["closed"].id, reason="x"))
    return {name: account.id for name, account in accounts.items()} | {
        "of another currency": make_account(currency="EUR").id,
        "missing": uuid4(),
        "internal": internal_account_id(CASH, "USD"),
    }


def told(response: Any) -> tuple[int, str, str]:
    body = response.json()
    if response.status_code < 300:
        return 200, body["status"], str(body["balance_after"])
    return response.status_code, body["code"], body["detail"]


@pytest.mark.parametrize("amount", ["1", "1000"])
@pytest.mark.parametrize(("how", "members", "headers"), ROUTES, ids=[route[0] for route in ROUTES])
def test_a_dry_run_tells_no_more_than_the_real_request(
    how: str, members: dict[str, str], headers: dict[str, str], amount: str
) -> None:
    ada = make_user("ada")
    purse, client = make_account(balance=100, owner_id=ada.id), client_of(ada)
    more = {}
    for name, target in foreign_accounts().items():
        body = {"target_account_id": str(target), "amount": amount, **members}
        path = account_path(purse, "transfer")
        with nothing_changes():
            tried = told(client.post(f"{path}?dry_run=true", body, headers=headers))
        done = told(client.post(path, body, headers=headers))
        if tried != done:
            more[name] = (tried, done)
    assert more == {}
