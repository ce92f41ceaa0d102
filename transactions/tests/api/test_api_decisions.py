"""POST retry/, reverse/, cancel/, approve/ and reject/ of a transaction."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Account
from tests.api import (
    ADDRESS,
    API,
    REQUEST_ID,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_of,
    make_user,
    shown,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Transfer, Withdraw
from transactions.models import Transaction
from transactions.tests.api_bodies import transaction_body
from transactions.tests.queueing import queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

ASYNC = {"Prefer": "respond-async"}
REASON = {"reason": "Asked for by phone"}
ACTIONS = ("retry", "reverse", "cancel", "approve", "reject")


def path(row: Any, action: str = "") -> str:
    return f"{API}transactions/{getattr(row, 'id', row)}/" + (f"{action}/" if action else "")


def withdrawal(account: Account, amount: int) -> Transaction:
    row = run(Withdraw(account_id=account.id, amount=Decimal(amount)))
    return Transaction.objects.get(pk=row.id)


def queued_withdrawal(account: Account, amount: int) -> Transaction:
    (row,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(amount)))
    return row


def sent(source: Account, target: Account, amount: int) -> Transaction:
    command = Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(amount))
    return Transaction.objects.get(pk=run(command).id)


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


@pytest.fixture
def supervisor() -> ApiClient:
    return staff("supervisor")


# Every action. ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_an_unknown_transaction_is_not_found(supervisor: ApiClient, action: str) -> None:
    missing = uuid4()
    with nothing_changes():
        response = supervisor.post(path(missing, action), REASON)
    assert_problem(response, "not_found", f"There is no transaction {missing}.")


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "approve"])
@pytest.mark.parametrize(
    ("body", "code"), [({}, "required"), ({"reason": ""}, "blank"), ({"reason": 1}, "invalid")]
)
def test_a_reason_is_needed(supervisor: ApiClient, action: str, body: Any, code: str) -> None:
    row = withdrawal(make_account(balance=3), 12)
    with nothing_changes():
        response = supervisor.post(path(row, action), body)
    assert bad_fields(response) == [("/reason", code)]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, ()),
        ("auditor", ()),
        ("teller", ("retry", "cancel")),
        ("supervisor", ACTIONS),
    ],
)
def test_who_may_decide(role: str | None, allowed: tuple[str, ...]) -> None:
    client = client_of(make_user("somebody", role=role, is_staff=bool(role)))
    missing = uuid4()
    with nothing_changes():
        answers = {
            action: client.post(path(missing, action), REASON).status_code for action in ACTIONS
        }
    assert answers == {action: 404 if action in allowed else 403 for action in ACTIONS}


# Retry. -------------------------------------------------------------------------------------------


def test_retry(teller: ApiClient) -> None:
    account = make_account(balance=3)
    row = withdrawal(account, 12)
    deposit(account, 10)
    response = teller.post(path(row, "retry"), {"reason": "Paid in"})
    kept = Transaction.objects.get(pk=row.id)
    assert response.status_code == 200
    assert response.json() == transaction_body(
        kept, account=account, amount="12.00", balance_after="1.00", retry_count=1
    )
    assert kept.status == "COMPLETED"
    retried, completed = kept.events.order_by("id")
    assert teller.get(path(row)).json()["events"] == [
        {
            "event": "RETRIED",
            "from_status": "FAILED",
            "to_status": "PENDING",
            "attempt": 1,
            "actor": "teller",
            "caller": f"user:{retried.actor_id}",
            "reason": "Paid in",
            "detail": {
                "failure_code": "insufficient_funds",
                "failure_detail": "3.00 USD available, 12.00 USD needed.",
            },
            "at": shown(retried.at),
        },
        {
            "event": "COMPLETED",
            "from_status": "PENDING",
            "to_status": "COMPLETED",
            "attempt": 1,
            "actor": "teller",
            "caller": f"user:{retried.actor_id}",
            "reason": "",
            "detail": {},
            "at": shown(completed.at),
        },
    ]
    assert (retried.request_id, retried.address) == (REQUEST_ID, ADDRESS)


def test_a_retry_that_fails_again_is_answered_with_why(teller: ApiClient) -> None:
    account = make_account(balance=3)
    row = withdrawal(account, 12)
    deposit(account, 1)
    response = teller.post(path(row, "retry"), REASON)
    assert_problem(
        response,
        "insufficient_funds",
        "4.00 USD available, 12.00 USD needed.",
        transaction_id=str(row.id),
    )
    found = teller.get(f"{API}transactions/?status=FAILED&failure_code=insufficient_funds").json()
    (listed,) = found["results"]
    assert (listed["transaction_id"], listed["retry_count"]) == (str(row.id), 1)


def test_a_retry_can_be_queued(teller: ApiClient) -> None:
    account = make_account(balance=3)
    row = withdrawal(account, 12)
    response = teller.post(path(row, "retry"), REASON, headers=ASYNC)
    kept = Transaction.objects.get(pk=row.id)
    assert (response.status_code, response["Preference-Applied"]) == (202, "respond-async")
    assert response["Location"] == f"http://testserver{path(row)}"
    assert response.json() == transaction_body(
        kept,
        account=account,
        amount="12.00",
        balance_after=None,
        retry_count=1,
        scheduled_for=shown(kept.scheduled_for),
    )
    assert kept.status == "PENDING"
    deposit(account, 10)
    assert work() == 1
    assert teller.get(path(row)).json()["status"] == "COMPLETED"


def test_a_supervisor_goes_on_where_a_teller_may_not(
    teller: ApiClient, supervisor: ApiClient, settings
) -> None:
    settings.RETRY_LIMIT = 1
    account = make_account(balance=3)
    row = withdrawal(account, 12)
    assert teller.post(path(row, "retry"), REASON).json()["code"] == "insufficient_funds"
    with nothing_changes():
        response = teller.post(path(row, "retry"), REASON)
    assert_problem(
        response, "retry_limit", "Retried 1 times already; a supervisor may retry again."
    )
    deposit(account, 9)
    assert supervisor.post(path(row, "retry"), REASON).json()["retry_count"] == 2


def test_what_cannot_be_retried(supervisor: ApiClient) -> None:
    account = make_account(balance=30)
    cancelled = queued_withdrawal(account, 5)
    assert supervisor.post(path(cancelled, "cancel"), REASON).status_code == 200
    completed = withdrawal(account, 7)
    with nothing_changes():
        for row, code, detail in (
            (cancelled, "not_retryable", "A transaction that failed by cancelled is final."),
            (completed, "invalid_transition", "A transaction cannot go from COMPLETED to PENDING."),
        ):
            assert_problem(supervisor.post(path(row, "retry"), REASON), code, detail)


# Reverse. -----------------------------------------------------------------------------------------


def test_reverse(supervisor: ApiClient) -> None:
    source, target = make_account(balance=30), make_account(balance=4)
    row = sent(source, target, 12)
    response = supervisor.post(path(row, "reverse"), {"reason": "Sent twice"})
    undone = Transaction.objects.get(type="REVERSAL")
    assert response.status_code == 200
    assert response.json() == transaction_body(
        undone,
        account=target,
        target=source,
        amount="12.00",
        balance_after="4.00",
        reverses=str(row.id),
    )
    assert undone.description == "Sent twice"
    assert supervisor.get(path(row)).json()["reversed_by"] == str(undone.id)
    assert supervisor.get(path(undone)).json()["reverses"] == str(row.id)
    with nothing_changes():
        assert_problem(
            supervisor.post(path(row, "reverse"), REASON),
            "already_reversed",
            f"Transaction {row.id} has a reversal already.",
        )
        assert_problem(
            supervisor.post(path(undone, "reverse"), REASON),
            "reversal_of_reversal",
            "A reversal is final; post the transaction again instead.",
        )


def test_a_reversal_that_would_overdraw_is_kept_as_failed(supervisor: ApiClient) -> None:
    source, target = make_account(balance=30), make_account()
    row = sent(source, target, 12)
    withdrawal(target, 5)
    response = supervisor.post(path(row, "reverse"), REASON)
    refused = Transaction.objects.get(type="REVERSAL")
    assert_problem(
        response,
        "insufficient_funds",
        "7.00 USD available, 12.00 USD needed.",
        transaction_id=str(refused.id),
    )
    assert (refused.status, refused.reverses_id) == ("FAILED", row.id)
    assert supervisor.get(path(row)).json()["reversed_by"] is None
    deposit(target, 5)
    retried = supervisor.post(path(refused, "retry"), REASON)
    assert (retried.status_code, retried.json()["status"]) == (200, "COMPLETED")
    assert supervisor.get(path(row)).json()["reversed_by"] == str(refused.id)


def test_only_what_is_completed_can_be_reversed(supervisor: ApiClient) -> None:
    row = withdrawal(make_account(balance=3), 12)
    with nothing_changes():
        response = supervisor.post(path(row, "reverse"), REASON)
    assert_problem(response, "invalid_transition", "Only a completed transaction can be reversed.")


@pytest.mark.django_db(transaction=True)
def test_a_queued_reversal_has_its_key(supervisor: ApiClient) -> None:
    source, target = make_account(balance=30), make_account()
    row, other = sent(source, target, 12), sent(source, target, 3)
    headers = {**ASYNC, "Idempotency-Key": "k-1"}
    first = supervisor.post(path(row, "reverse"), REASON, headers=headers)
    assert (first.status_code, first["Preference-Applied"]) == (202, "respond-async")
    assert first.json()["status"] == "PENDING"
    with nothing_changes():
        replay = supervisor.post(path(row, "reverse"), REASON, headers=headers)
        assert (replay.status_code, replay["Idempotent-Replayed"]) == (202, "true")
        assert replay.json() == first.json()
        for again, reason in ((other, REASON), (row, {"reason": "Another one"})):
            reused = supervisor.post(path(again, "reverse"), reason, headers=headers)
            assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
        unkeyed = supervisor.post(path(row, "reverse"), REASON)
        assert unkeyed.json()["code"] == "already_reversed"
    assert work() == 1
    done = supervisor.post(path(row, "reverse"), REASON, headers=headers)
    assert (done.status_code, done.json()["status"]) == (200, "COMPLETED")


# Cancel. ------------------------------------------------------------------------------------------


def test_cancel(teller: ApiClient) -> None:
    account = make_account(balance=30)
    row = queued_withdrawal(account, 12)
    response = teller.post(path(row, "cancel"), {"reason": "By mistake"})
    assert response.status_code == 200
    assert response.json() == transaction_body(
        row.id,
        account=account,
        amount="12.00",
        balance_after=None,
        failure={"code": "cancelled", "detail": "Cancelled by the bank.", "retryable": False},
    )
    with nothing_changes():
        again = teller.post(path(row, "cancel"), REASON)
    assert_problem(again, "invalid_transition", "The transaction is FAILED, not PENDING.")
    assert work() == 0


# Approve and reject. ------------------------------------------------------------------------------


@pytest.fixture
def large(settings, teller: ApiClient) -> tuple[Account, str]:
    """An account and a withdrawal of 60 from it, requested by the teller."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=40, overdraft_limit=Decimal(100))
    response = teller.post(account_path(account, "withdraw"), {"amount": "60"})
    row = Transaction.objects.latest("id")
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver{path(row)}"
    assert "Preference-Applied" not in response
    assert response.json() == transaction_body(
        row, account=account, amount="60.00", balance_after=None, approval_required=True
    )
    assert row.status == "PENDING"
    return account, str(row.id)


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "Checked"}])
def test_approve(supervisor: ApiClient, large: tuple[Account, str], body: dict[str, str]) -> None:
    account, transaction_id = large
    response = supervisor.post(path(transaction_id, "approve"), body)
    assert response.status_code == 200
    assert response.json() == transaction_body(
        transaction_id,
        account=account,
        amount="60.00",
        balance_after="-20.00",
        approval_required=True,
    )
    approved, _ = supervisor.get(path(transaction_id)).json()["events"]
    assert (approved["event"], approved["actor"]) == ("APPROVED", "supervisor")
    assert approved["reason"] == body.get("reason", "")
    with nothing_changes():
        again = supervisor.post(path(transaction_id, "approve"), body)
    assert_problem(again, "invalid_transition", "The transaction does not wait for approval.")


def test_nobody_approves_the_own_one(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=40)
    for client in (
        staff("supervisor"),
        client_of(make_user("root", is_staff=True, is_superuser=True)),
    ):
        asked = client.post(account_path(account, "deposit"), {"amount": 60}).json()
        with nothing_changes():
            response = client.post(path(asked["transaction_id"], "approve"), REASON)
        assert_problem(response, "self_approval", "Nobody decides on their own request.")


def test_nobody_rejects_their_own_request_but_cancels_it(
    supervisor: ApiClient, settings: Any
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=30)
    asked = supervisor.post(account_path(account, "deposit"), {"amount": "60.00"}).json()
    with nothing_changes():
        response = supervisor.post(path(asked["transaction_id"], "reject"), REASON)
    assert_problem(response, "self_approval", "Nobody decides on their own request.")
    response = supervisor.post(path(asked["transaction_id"], "cancel"), REASON)
    assert (response.status_code, response.json()["failure"]["code"]) == (200, "cancelled")


def test_reject(supervisor: ApiClient, large: tuple[Account, str]) -> None:
    account, transaction_id = large
    response = supervisor.post(path(transaction_id, "reject"), {"reason": "Unknown to her"})
    assert response.status_code == 200
    assert response.json() == transaction_body(
        transaction_id,
        account=account,
        amount="60.00",
        balance_after=None,
        approval_required=True,
        failure={"code": "rejected", "detail": "Rejected by the bank.", "retryable": False},
    )
    with nothing_changes():
        again = supervisor.post(path(transaction_id, "retry"), REASON)
    assert_problem(again, "not_retryable", "A transaction that failed by rejected is final.")


def test_retry_and_reversal_of_a_large_amount_wait(
    teller: ApiClient, supervisor: ApiClient, settings
) -> None:
    account = make_account(balance=70)
    completed, refused = withdrawal(account, 60), withdrawal(account, 61)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    for client, row, action in ((teller, refused, "retry"), (supervisor, completed, "reverse")):
        response = client.post(path(row, action), REASON)
        body = response.json()
        assert (response.status_code, body["status"]) == (202, "PENDING")
        assert (body["approval_required"], body["balance_after"]) == (True, None)
        assert response["Location"] == f"http://testserver{path(body['transaction_id'])}"
    account.refresh_from_db()
    assert account.balance == 10
