"""`?dry_run=true` on every route that moves money: the would-be result, and nothing stored."""

from decimal import Decimal
from typing import Any
from unittest.mock import ANY

import pytest

from accounts.models import Account
from tests.api import (
    API,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_of,
    make_user,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account
from transactions.models import Transaction

# A rolled-back run must be a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

DRY = "?dry_run=true"
REASON = {"reason": "Because"}


@pytest.fixture
def supervisor() -> ApiClient:
    return staff("supervisor")


def would_be(account: Account, **members: Any) -> dict[str, Any]:
    return {
        "dry_run": True,
        "replays": None,
        "status": "COMPLETED",
        "account_id": str(account.id),
        "target_account_id": None,
        "currency": "USD",
        "description": "",
        "failure": None,
        "approval_required": False,
        "scheduled_for": None,
        "reverses": None,
        "effective_at": ANY,
        **members,
    }


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_it_answers_with_the_balance_there_would_be(
    supervisor: ApiClient, prefer: dict[str, str]
) -> None:
    ada, bob = make_account(balance=5), make_account()
    for action, body, balance in (
        ("deposit", {"amount": "2.50"}, "7.50"),
        ("withdraw", {"amount": "2.50"}, "2.50"),
        ("transfer", {"amount": "5.00", "target_account_id": str(bob.id)}, "0.00"),
    ):
        with nothing_changes():
            response = supervisor.post(account_path(ada, action) + DRY, body, headers=prefer)
        assert response.status_code == 200
        assert "Preference-Applied" not in response
        expected = would_be(ada, type=action.upper(), balance_after=balance, **body)
        assert response.json() == expected


def test_a_refusal_names_no_transaction(supervisor: ApiClient) -> None:
    ada = make_account(balance=5)
    with nothing_changes():
        response = supervisor.post(account_path(ada, "withdraw") + DRY, {"amount": "7"})
    assert_problem(response, "insufficient_funds", "5.00 USD available, 7.00 USD needed.")
    with nothing_changes():
        response = supervisor.post(account_path(ada, "withdraw") + DRY, {"amount": "0"})
    assert response.json()["code"] == "validation_error"


def test_a_dry_run_says_that_a_large_amount_would_wait(
    supervisor: ApiClient, settings: Any
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    ada = make_account(balance=5)
    with nothing_changes():
        response = supervisor.post(account_path(ada, "deposit") + DRY, {"amount": "100"})
    assert (response.status_code, response.json()["status"]) == (200, "PENDING")
    assert response.json()["approval_required"] is True
    assert response.json()["balance_after"] is None


def test_a_scheduled_dry_run_checks_the_present_state(supervisor: ApiClient) -> None:
    ada = make_account(balance=5)
    when = "2026-11-30T00:00:00.000000Z"
    body = {"amount": "5", "scheduled_for": when}
    with nothing_changes():
        answer = supervisor.post(account_path(ada, "withdraw") + DRY, body).json()
        refused = supervisor.post(account_path(ada, "withdraw") + DRY, body | {"amount": "6"})
        too_far = supervisor.post(
            account_path(ada, "withdraw") + DRY, body | {"scheduled_for": "2999-01-01T00:00:00Z"}
        )
    assert (answer["scheduled_for"], answer["balance_after"]) == (when, "0.00")
    assert refused.json()["code"] == "insufficient_funds"
    assert too_far.json()["errors"][0]["code"] == "too_far_ahead"


def test_a_key_is_not_used_and_a_used_one_tells_what_it_stands_for(supervisor: ApiClient) -> None:
    ada, key = make_account(balance=5), {"Idempotency-Key": "k"}
    path = account_path(ada, "withdraw")
    for amount in ("1", "9"):
        key = {"Idempotency-Key": f"k-{amount}"}
        with nothing_changes():
            supervisor.post(path + DRY, {"amount": amount}, headers=key)
        supervisor.post(path, {"amount": amount}, headers=key)
        stored = Transaction.objects.order_by("-id").first()
        assert stored is not None
        with nothing_changes():
            response = supervisor.post(path + DRY, {"amount": amount}, headers=key)
        assert "Idempotent-Replayed" not in response
        assert response.status_code == 200
        assert (response.json()["replays"], response.json()["status"]) == (
            str(stored.id),
            stored.status,
        )
        other = supervisor.post(path + DRY, {"amount": "2"}, headers=key)
        assert other.json()["code"] == "idempotency_key_reused"


def test_decisions_can_be_tried_too(supervisor: ApiClient, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    ada, teller = make_account(), staff("teller")
    done = deposit(ada, 5)
    teller.post(account_path(ada, "withdraw"), {"amount": "7"})
    failed = Transaction.objects.get(status="FAILED")
    deposit(ada, 4)
    waiting = teller.post(account_path(ada, "deposit"), {"amount": "100"}).json()
    for transaction_id, action, status, balance in (
        (done.id, "reverse", "COMPLETED", "4.00"),
        (failed.id, "retry", "COMPLETED", "2.00"),
        (waiting["transaction_id"], "approve", "COMPLETED", "109.00"),
        (waiting["transaction_id"], "reject", "FAILED", None),
        (waiting["transaction_id"], "cancel", "FAILED", None),
    ):
        path = f"{API}transactions/{transaction_id}/{action}/{DRY}"
        with nothing_changes():
            response = supervisor.post(path, REASON, headers={"Prefer": "respond-async"})
        body = response.json()
        assert (response.status_code, body["status"], body["balance_after"]) == (
            200,
            status,
            balance,
        )
        assert body["dry_run"] is True
        assert "transaction_id" not in body
    path = f"{API}transactions/{done.id}/retry/{DRY}"
    assert supervisor.post(path, REASON).json()["code"] == "invalid_transition"


def test_a_customer_sees_no_more_than_the_own_side() -> None:
    owner = make_user("ada")
    ada, bob = make_account(balance=5, owner_id=owner.pk), make_account(balance=70)
    body = {"amount": "2", "target_account_id": str(bob.id)}
    with nothing_changes():
        answer = client_of(owner).post(account_path(ada, "transfer") + DRY, body).json()
    assert answer["balance_after"] == "3.00"
    with nothing_changes():
        response = client_of(owner).post(account_path(bob, "transfer") + DRY, body)
    assert response.status_code == 404


@pytest.mark.parametrize("query", ["?dry_run=yes", "?dry_run=True", "?dryrun=true"])
def test_a_misspelt_dry_run_moves_nothing(supervisor: ApiClient, query: str) -> None:
    ada = make_account(balance=5)
    with nothing_changes():
        response = supervisor.post(account_path(ada, "deposit") + query, {"amount": "1"})
    assert response.status_code == 400
    assert supervisor.post(account_path(ada, "deposit") + "?dry_run=false", {"amount": "1"}).json()[
        "transaction_id"
    ]


def test_routes_without_dry_run_refuse_the_parameter(supervisor: ApiClient) -> None:
    """If they ignored the parameter, they would act when the caller only meant to try."""
    ada = make_account(balance=5)
    limit = {**REASON, "overdraft_limit": "1"}
    for send, path, body in (
        (supervisor.post, f"{API}accounts/", {"name": "Bob", "initial_balance": "3"}),
        (supervisor.patch, f"{API}accounts/{ada.id}/", {"name": "Grace"}),
        (supervisor.post, account_path(ada, "freeze"), REASON),
        (supervisor.post, account_path(ada, "unfreeze"), REASON),
        (supervisor.post, account_path(ada, "close"), REASON),
        (supervisor.post, account_path(ada, "overdraft_limit"), limit),
    ):
        with nothing_changes():
            response = send(path + DRY, body)
        assert bad_fields(response) == [("dry_run", "unknown_field")]
