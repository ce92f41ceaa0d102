"""POST freeze/, unfreeze/, close/ and overdraft_limit/ of an account."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from tests.api import (
    ADDRESS,
    REQUEST_ID,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    shown,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db

ROUTES: dict[str, dict[str, Any]] = {
    "freeze": {"reason": "Court order"},
    "unfreeze": {"reason": "Lifted"},
    "close": {"reason": "Moved away"},
    "overdraft_limit": {"overdraft_limit": "100", "reason": "Agreed"},
}


@pytest.fixture
def supervisor() -> ApiClient:
    return staff("supervisor")


def blocked(account: Account, scope: FreezeScope) -> Account:
    return run(FreezeAccount(account_id=account.id, scope=scope))


def assert_changed(
    response: Any, account: Account, event: str, reason: str, changes: dict[str, tuple[Any, Any]]
) -> None:
    """Asserts that the response is the changed account, and the last event tells the change."""
    assert response.status_code == 200
    account.refresh_from_db()
    recorded = AccountEvent.objects.order_by("id").last()
    assert recorded is not None
    assert recorded.actor is not None
    assert (recorded.account_id, recorded.event, recorded.reason) == (account.id, event, reason)
    assert (recorded.actor.username, recorded.caller, recorded.request_id, recorded.address) == (
        "supervisor",
        f"user:{recorded.actor_id}",
        REQUEST_ID,
        ADDRESS,
    )
    assert recorded.before == {column: before for column, (before, _) in changes.items()}
    assert recorded.after == {column: after for column, (_, after) in changes.items()}
    assert response.json()["updated_at"] == shown(account.updated_at)


@pytest.mark.parametrize(
    ("scope", "debited", "credited"),
    [
        ({}, True, True),
        ({"scope": "all"}, True, True),
        ({"scope": "debits"}, True, False),
        ({"scope": "credits"}, False, True),
    ],
)
def test_freeze(
    supervisor: ApiClient, scope: dict[str, str], debited: bool, credited: bool
) -> None:
    account = make_account(balance=7)
    read = supervisor.get(account_path(account)).json()
    response = supervisor.post(account_path(account, "freeze"), {"reason": "Court order", **scope})
    assert_changed(
        response,
        account,
        "FROZEN",
        "Court order",
        {"debits_blocked": (False, debited), "credits_blocked": (False, credited)},
    )
    assert response.json() == read | {
        "status": "FROZEN",
        "debits_blocked": debited,
        "credits_blocked": credited,
        "updated_at": shown(account.updated_at),
    }
    assert (account.debits_blocked, account.credits_blocked) == (debited, credited)


def test_a_second_freeze_adds_and_a_third_is_refused(supervisor: ApiClient) -> None:
    account = blocked(make_account(), FreezeScope.DEBITS)
    body = {"reason": "Both", "scope": "credits"}
    assert supervisor.post(account_path(account, "freeze"), body).json()["debits_blocked"] is True
    with nothing_changes():
        response = supervisor.post(account_path(account, "freeze"), {"reason": "Again"})
    detail = f"Account {account.number} already has these blocks."
    assert_problem(response, "invalid_transition", detail)


def test_unfreeze(supervisor: ApiClient) -> None:
    account = blocked(make_account(balance=7), FreezeScope.DEBITS)
    response = supervisor.post(account_path(account, "unfreeze"), {"reason": "Lifted"})
    assert_changed(
        response,
        account,
        "UNFROZEN",
        "Lifted",
        {"debits_blocked": (True, False), "credits_blocked": (False, False)},
    )
    assert response.json()["status"] == "ACTIVE"
    with nothing_changes():
        response = supervisor.post(account_path(account, "unfreeze"), {"reason": "Again"})
    detail = f"Account {account.number} is not frozen."
    assert_problem(response, "invalid_transition", detail)


def test_close(supervisor: ApiClient) -> None:
    account = make_account()
    response = supervisor.post(account_path(account, "close"), {"reason": "Moved away"})
    assert_changed(response, account, "CLOSED", "Moved away", {"status": ("ACTIVE", "CLOSED")})
    assert response.json()["status"] == "CLOSED"


@pytest.mark.parametrize("balance", ["0.01", "-3"])
def test_what_is_not_empty_stays_open(supervisor: ApiClient, balance: str) -> None:
    account = make_account(balance=balance.strip("-"), overdraft_limit=Decimal(5))
    if balance.startswith("-"):
        supervisor.post(account_path(account, "withdraw"), {"amount": "6"})
    with nothing_changes():
        response = supervisor.post(account_path(account, "close"), {"reason": "Moved away"})
    shown_balance = supervisor.get(account_path(account)).json()["balance"]
    detail = f"The balance is {shown_balance} USD, not zero."
    assert_problem(response, "account_not_empty", detail)


def test_overdraft_limit(supervisor: ApiClient) -> None:
    account = make_account(balance=7, currency="KWD")
    path = account_path(account, "overdraft_limit")
    response = supervisor.post(path, {"overdraft_limit": "100.5", "reason": "Agreed"})
    changes = {"overdraft_limit": ("0.000", "100.500")}
    assert_changed(response, account, "OVERDRAFT_LIMIT_CHANGED", "Agreed", changes)
    body = response.json()
    assert (body["overdraft_limit"], body["available_balance"]) == ("100.500", "107.500")


def test_a_limit_stays_above_the_overdraft_in_use(supervisor: ApiClient) -> None:
    account = make_account(balance=3, overdraft_limit=Decimal(50))
    supervisor.post(account_path(account, "withdraw"), {"amount": "23.5"})
    path = account_path(account, "overdraft_limit")
    with nothing_changes():
        response = supervisor.post(path, {"overdraft_limit": "20.49", "reason": "Less"})
    assert_problem(response, "limit_below_use", "The account is overdrawn by 20.50 USD.")
    assert supervisor.post(path, {"overdraft_limit": "20.5", "reason": "Less"}).status_code == 200


@pytest.mark.parametrize("limit", ["0.001", "100000000000.01", "-1", "1e2", None, True])
def test_a_bad_limit_changes_nothing(supervisor: ApiClient, limit: Any) -> None:
    path = account_path(make_account(), "overdraft_limit")
    with nothing_changes():
        response = supervisor.post(path, {"overdraft_limit": limit, "reason": "Agreed"})
    assert [pointer for pointer, _ in bad_fields(response)] == ["/overdraft_limit"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_reason_is_required(supervisor: ApiClient, route: str) -> None:
    account = make_account()
    without = {name: value for name, value in ROUTES[route].items() if name != "reason"}
    for reason, code in (
        ({}, "required"),
        ({"reason": " "}, "blank"),
        ({"reason": None}, "null"),
        ({"reason": 5}, "invalid"),
        ({"reason": "r" * 501}, "max_length"),
    ):
        with nothing_changes():
            response = supervisor.post(account_path(account, route), without | reason)
        assert bad_fields(response) == [("/reason", code)]


@pytest.mark.parametrize("route", ROUTES)
def test_a_closed_account_is_done_with(supervisor: ApiClient, route: str) -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    with nothing_changes():
        response = supervisor.post(account_path(account, route), ROUTES[route])
    assert_problem(response, "account_closed", f"Account {account.number} is closed.")


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_account_is_not_found(supervisor: ApiClient, route: str) -> None:
    missing = uuid4()
    with nothing_changes():
        response = supervisor.post(account_path(missing, route), ROUTES[route])
    assert_problem(response, "not_found", f"There is no account {missing}.")


def test_a_scope_is_one_of_three(supervisor: ApiClient) -> None:
    path = account_path(make_account(), "freeze")
    for scope in ("ALL", "", None, 1, ["all"], True):
        with nothing_changes():
            response = supervisor.post(path, {"reason": "Court order", "scope": scope})
        assert [pointer for pointer, _ in bad_fields(response)] == ["/scope"]
