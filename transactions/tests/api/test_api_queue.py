"""`Prefer: respond-async` and `scheduled_for` over the API: the responses, and who sees them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from tests.api import (
    API,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_of,
    client_without_login_queries,
    make_user,
    shown,
    staff,
)
from tests.assertions import BULK_INSERT, nothing_changes, stored
from tests.factories import make_account
from transactions.models import Transaction
from transactions.tests.api_bodies import transaction_body
from transactions.tests.queueing import verbs_of_accepting, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

PATH = f"{API}transactions/"
ASYNC = {"Prefer": "respond-async"}
NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def details(client: ApiClient, transaction_id: str) -> Any:
    return client.get(f"{PATH}{transaction_id}/")


# Accepted. ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "wait=10, Respond-Async", "respond-async;x=1", 'a="b,c", respond-async=""'],
)
def test_a_queued_transfer_is_answered_at_once_and_completed_later(
    teller: ApiClient, prefer: str
) -> None:
    account, target = make_account(balance=30), make_account()
    before = stored(Account)
    body = {"target_account_id": str(target.id), "amount": "12.50", "description": "Rent"}
    response = teller.post(account_path(account, "transfer"), body, headers={"Prefer": prefer})
    row = Transaction.objects.latest("id")
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver{PATH}{row.id}/"
    assert response["Preference-Applied"] == "respond-async"
    waiting = transaction_body(
        row, account=account, target=target, amount="12.50", balance_after=None
    )
    assert response.json() == waiting
    assert (row.status, row.completed_at) == ("PENDING", None)
    assert stored(Account) == before
    followed = teller.get(response["Location"])
    rest = {"reversed_by": None, "hold_id": None, "entries": [], "events": []}
    assert followed.json() == {**waiting, **rest}
    assert work() == 1
    completed = teller.get(response["Location"]).json()
    assert (completed["status"], completed["balance_after"]) == ("COMPLETED", "17.50")
    assert [event["event"] for event in completed["events"]] == ["STARTED", "COMPLETED"]
    assert [entry["amount"] for entry in completed["entries"]] == ["12.50", "-12.50"]


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_deposits_and_withdrawals_are_queued_as_well(teller: ApiClient, action: str) -> None:
    account = make_account(balance=30)
    response = teller.post(account_path(account, action), {"amount": 7}, headers=ASYNC)
    row = Transaction.objects.latest("id")
    assert response.status_code == 202
    assert response.json() == transaction_body(
        row, account=account, amount="7.00", balance_after=None
    )
    assert work() == 1
    account.refresh_from_db()
    assert account.balance == (37 if action == "deposit" else 23)


@pytest.mark.parametrize(
    "prefer",
    [
        "",
        "wait=5",
        "respond-asynchronously",
        "wait=5; respond-async",
        'a="b, respond-async, c"',
        "respond-async=no",
    ],
)
def test_without_the_preference_a_request_waits_for_the_outcome(
    teller: ApiClient, prefer: str
) -> None:
    account = make_account(balance=30)
    response = teller.post(
        account_path(account, "withdraw"), {"amount": 7}, headers={"Prefer": prefer}
    )
    assert (response.status_code, response.json()["status"]) == (200, "COMPLETED")
    assert "Preference-Applied" not in response
    assert "Location" not in response


def test_accepting_costs_two_statements() -> None:
    client = client_without_login_queries(make_user("teller", role="teller"))
    account, target = make_account(balance=30), make_account()
    body = {"target_account_id": str(target.id), "amount": "5"}
    headers = {**ASYNC, "Idempotency-Key": str(uuid4())}
    with CaptureQueriesContext(connection) as statements:
        response = client.post(account_path(account, "transfer"), body, headers=headers)
    assert response.status_code == 202
    assert verbs_of_accepting(statements) == ["SELECT", BULK_INSERT]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"amount": "1.001"}, "too_many_decimals", "/amount"),
        ({"amount": "5", "scheduled_for": "2100-01-01T00:00:00"}, "invalid", "/scheduled_for"),
        ({"amount": "5", "scheduled_for": "soon"}, "invalid", "/scheduled_for"),
    ],
)
def test_bad_input_is_not_queued(
    teller: ApiClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    account = make_account(balance=30)
    with nothing_changes():
        response = teller.post(account_path(account, "deposit"), body, headers=ASYNC)
    assert bad_fields(response) == [(pointer, code)]


def test_an_impossible_transfer_is_not_queued(teller: ApiClient) -> None:
    account, euro, missing = make_account(balance=30), make_account(currency="EUR"), uuid4()
    path = account_path(account, "transfer")
    with nothing_changes():
        for target, status, code in (
            (account.id, 400, "same_account"),
            (euro.id, 400, "currency_mismatch"),
            (missing, 404, "not_found"),
        ):
            body = {"target_account_id": str(target), "amount": "5"}
            response = teller.post(path, body, headers=ASYNC)
            assert (response.status_code, response.json()["code"]) == (status, code)
        unknown = teller.post(account_path(missing, "deposit"), {"amount": 5}, headers=ASYNC)
        assert_problem(unknown, "not_found", f"There is no account {missing}.")


# Keys. --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_key_is_answered_with_the_present_state(teller: ApiClient) -> None:
    account = make_account(balance=30)
    path, headers = account_path(account, "withdraw"), {**ASYNC, "Idempotency-Key": "k-1"}
    first = teller.post(path, {"amount": "12.00"}, headers=headers)
    with nothing_changes():
        # Sent again without the preference, it returns the waiting transaction too.
        for again in (headers, {"Idempotency-Key": "k-1"}):
            replay = teller.post(path, {"amount": 12}, headers=again)
            assert replay.status_code == 202
            assert replay["Idempotent-Replayed"] == "true"
            assert replay["Location"] == first["Location"]
            assert replay.json() == first.json()
        other = teller.post(path, {"amount": "13"}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    work()
    done = teller.post(path, {"amount": 12}, headers=headers)
    assert (done.status_code, done["Idempotent-Replayed"]) == (200, "true")
    assert (done.json()["status"], done.json()["balance_after"]) == ("COMPLETED", "18.00")
    assert Transaction.objects.filter(type="WITHDRAW").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_queued_command_failed_is_answered_with_the_refusal(teller: ApiClient) -> None:
    account = make_account(balance=3)
    path, headers = account_path(account, "withdraw"), {**ASYNC, "Idempotency-Key": "k-1"}
    accepted = teller.post(path, {"amount": "12"}, headers=headers)
    work()
    with nothing_changes():
        replay = teller.post(path, {"amount": "12"}, headers=headers)
    assert_problem(
        replay,
        "insufficient_funds",
        "3.00 USD available, 12.00 USD needed.",
        transaction_id=accepted.json()["transaction_id"],
    )
    assert replay["Idempotent-Replayed"] == "true"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_key_whose_first_use_does_not_end_is_busy(teller: ApiClient) -> None:
    account = make_account(balance=30)
    user = make_user("another", role="teller")
    path, headers = account_path(account, "withdraw"), {**ASYNC, "Idempotency-Key": "k-1"}
    began, enough = Event(), Event()

    def first() -> None:
        client = client_without_login_queries(user)
        try:
            with transaction.atomic():
                assert client.post(path, {"amount": 12}, headers=headers).status_code == 202
                began.set()
                assert enough.wait(120)
                transaction.set_rollback(True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(first)
        try:
            assert began.wait(120)
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            with nothing_changes():
                client = client_without_login_queries(user)
                response = client.post(path, {"amount": 12}, headers=headers)
            assert (response.status_code, response.json()["code"]) == (503, "busy")
        finally:
            enough.set()
            future.result()
            connection.close()


# Scheduled. ---------------------------------------------------------------------------------------


def test_what_is_scheduled_waits_for_its_time() -> None:
    teller = client_without_login_queries(make_user("teller", role="teller"))
    account = make_account(balance=30)
    moment = NOW + timedelta(hours=3)
    body = {"amount": "12", "scheduled_for": "2100-03-01T17:30:00+02:00"}
    with time_machine.travel(NOW, tick=False):
        response = teller.post(account_path(account, "withdraw"), body)
        row = Transaction.objects.latest("id")
        assert (response.status_code, row.scheduled_for) == (202, moment)
        assert "Preference-Applied" not in response
        assert response.json() == transaction_body(
            row, account=account, amount="12.00", balance_after=None, scheduled_for=shown(moment)
        )
        assert work() == 0
    with time_machine.travel(moment, tick=False):
        assert work() == 1
        assert details(teller, str(row.id)).json()["status"] == "COMPLETED"


# Who sees it. -------------------------------------------------------------------------------------


def test_payer_and_staff_see_what_waits_and_the_payee_does_not(teller: ApiClient) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    purse = make_account(balance=30, owner_id=ada.id)
    shop = make_account(balance=4, owner_id=bob.id)
    payer, payee = client_of(ada), client_of(bob)
    body = {"target_account_id": str(shop.id), "amount": "12"}
    accepted = payer.post(account_path(purse, "transfer"), body, headers=ASYNC)
    assert accepted.status_code == 202
    transaction_id = accepted.json()["transaction_id"]

    def listed(client: ApiClient, account: Account) -> list[bool]:
        paths = (f"{PATH}?status=PENDING", PATH, account_path(account, "transactions"))
        return [
            transaction_id in [row["transaction_id"] for row in client.get(path).json()["results"]]
            for path in paths
        ]

    assert listed(payer, purse) == listed(teller, purse) == listed(teller, shop) == [True] * 3
    assert listed(payee, shop) == [False] * 3
    assert details(payee, transaction_id).status_code == 404
    assert work() == 1
    assert listed(payee, shop) == [False, True, True]
    for client, balance in ((payer, "18.00"), (payee, "16.00")):
        seen = details(client, transaction_id).json()
        assert (seen["balance_after"], seen["events"]) == (balance, [])
    assert len(details(teller, transaction_id).json()["events"]) == 2


def test_an_account_is_not_closed_while_something_waits() -> None:
    supervisor = staff("supervisor")
    account = make_account()
    closing = {"reason": "Moved away"}
    later = {"amount": "12", "scheduled_for": shown(timezone.now() + timedelta(days=1))}
    assert supervisor.post(account_path(account, "withdraw"), later).status_code == 202
    with nothing_changes():
        response = supervisor.post(account_path(account, "close"), closing)
    assert_problem(
        response, "transactions_pending", "Transactions of this account are still pending."
    )


def test_a_scheduled_deposit_does_not_keep_an_account_open() -> None:
    supervisor = staff("supervisor")
    account = make_account()
    later = {"amount": "12", "scheduled_for": shown(timezone.now() + timedelta(days=1))}
    assert supervisor.post(account_path(account, "deposit"), later).status_code == 202
    closed = supervisor.post(account_path(account, "close"), {"reason": "Moved away"})
    assert (closed.status_code, closed.json()["status"]) == (200, "CLOSED")


def test_nothing_is_scheduled_for_more_than_a_year_ahead() -> None:
    account = make_account()
    far = {"amount": "12", "scheduled_for": "9999-12-31T00:00:00Z"}
    with nothing_changes():
        response = staff("teller").post(account_path(account, "deposit"), far)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["pointer"], error["code"]) == (
        400,
        "/scheduled_for",
        "too_far_ahead",
    )


def test_an_opening_with_a_large_deposit_opens_and_lets_the_deposit_wait(
    teller: ApiClient, settings
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    response = teller.post(f"{API}accounts/", {"name": "Ada", "initial_balance": "100"})
    assert (response.status_code, response.json()["balance"]) == (201, "0.00")
    row = Transaction.objects.get()
    assert (row.status, row.approval_required, row.amount) == ("PENDING", True, 100)
    deposit = {"transaction_id": str(row.id), "status": "PENDING"}
    assert response.json()["initial_deposit"] == deposit
