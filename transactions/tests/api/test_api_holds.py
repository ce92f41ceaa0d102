"""The routes of holds: responses, keys, dry runs, and who sees what."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from accounts.commands import FreezeAccount, UnfreezeAccount
from tests.api import API, ApiClient, account_path, bad_fields, client_of, make_user, staff
from tests.assertions import nothing_changes
from tests.factories import make_account, make_hold, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def holds_of(client: ApiClient, path: str) -> list[str]:
    return [one["hold_id"] for one in client.get(path).json()["results"]]


def test_the_life_of_a_hold(teller: ApiClient) -> None:
    account, shop = make_account(balance=100), make_account()
    body = {"amount": "60.00", "target_account_id": str(shop.id), "description": "Order 7"}
    placed = teller.post(account_path(account, "hold"), body)
    assert placed.status_code == 201
    hold: dict[str, Any] = placed.json()
    path = f"{API}holds/{hold['hold_id']}/"
    assert placed["Location"].endswith(path)
    assert (
        hold
        | body
        | {
            "account_id": str(account.id),
            "captured": "0.00",
            "held": "60.00",
            "status": "OPEN",
            "ended_at": None,
        }
        == hold
    )
    assert parse_datetime(hold["expires_at"]) > parse_datetime(hold["created_at"])

    shown = teller.get(account_path(account)).json()
    assert (shown["balance"], shown["held"], shown["available_balance"]) == (
        "100.00", "60.00", "40.00",
    )  # fmt: skip
    assert teller.get(account_path(account, "balance")).json()["available_balance"] == "40.00"
    refused = teller.post(account_path(account, "withdraw"), {"amount": "40.01"}).json()
    assert refused["detail"] == "40.00 USD available, 40.01 USD needed."

    captured = teller.post(f"{path}capture/", {"amount": "25.00"})
    assert (captured.status_code, captured.json()["type"]) == (200, "TRANSFER")
    assert captured.json()["balance_after"] == "75.00"
    detail = teller.get(path).json()
    assert (detail["captured"], detail["held"]) == ("25.00", "35.00")
    (part,) = detail["captures"]
    assert (part["transaction_id"], part["amount"], part["status"], part["final"]) == (
        captured.json()["transaction_id"], "25.00", "COMPLETED", False,
    )  # fmt: skip
    voided = teller.post(f"{path}void/", {"reason": "The rest is sold out"}).json()
    assert (voided["status"], voided["captured"], voided["held"]) == ("VOIDED", "25.00", "0.00")
    again = teller.post(f"{path}capture/", {})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")


def test_a_key_places_one_hold_and_makes_one_capture(teller: ApiClient) -> None:
    account = make_account(balance=10)
    key = {"headers": {"Idempotency-Key": "k-1"}}
    first, second = (
        teller.post(account_path(account, "hold"), {"amount": "10"}, **key) for _ in range(2)
    )
    assert first.json() == second.json()
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    other = teller.post(account_path(account, "hold"), {"amount": "9"}, **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    path = f"{API}holds/{first.json()['hold_id']}/capture/"
    first, second = (teller.post(path, {"final": True}, **key) for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("final", ["yes", "true", "on", "", 1, 0, [], {}])
def test_final_is_true_or_false(teller: ApiClient, final: Any) -> None:
    """It releases money."""
    hold = make_hold(make_account(balance=10), 4)
    with nothing_changes():
        refused = teller.post(f"{API}holds/{hold.pk}/capture/", {"amount": "1", "final": final})
    assert (refused.status_code, bad_fields(refused)) == (400, [("/final", "invalid")])


def test_a_dry_run_shows_what_would_be(teller: ApiClient) -> None:
    account = make_account(balance=10)
    hold = make_hold(account, 4)
    path, dry = f"{API}holds/{hold.pk}/", "?dry_run=true"
    with nothing_changes():
        placed = teller.post(account_path(account, "hold") + dry, {"amount": "6"})
        assert placed.status_code == 200
        assert (placed.json()["dry_run"], placed.json()["held"]) == (True, "6.00")
        assert "hold_id" not in placed.json()
        refused = teller.post(account_path(account, "hold") + dry, {"amount": "6.01"})
        assert (refused.status_code, refused.json()["code"]) == (400, "insufficient_funds")
        captured = teller.post(f"{path}capture/{dry}", {"amount": "1"}).json()
        assert (captured["dry_run"], captured["balance_after"]) == (True, "9.00")
        assert teller.post(f"{path}void/{dry}", {}).json()["status"] == "VOIDED"


def test_a_capture_names_its_hold_and_once_failed_is_captured_again(settings: Any) -> None:
    maker, checker = staff("teller"), staff("supervisor")
    ada, bob = make_user("ada"), make_user("bob")
    account = make_account(balance=100, owner_id=ada.pk)
    hold = make_hold(account, 60, target_account_id=make_account(owner_id=bob.pk).pk)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}

    def captured() -> str:
        waits = maker.post(f"{API}holds/{hold.pk}/capture/", {})
        assert waits.status_code == 202
        path: str = waits["Location"].removeprefix("http://testserver")
        assert checker.get(path).json()["hold_id"] == str(hold.pk)
        return path

    path = captured()
    run(FreezeAccount(account_id=account.pk, reason="x"))
    refused = checker.post(f"{path}approve/", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "account_frozen")
    run(UnfreezeAccount(account_id=account.pk, reason="x"))
    (listed,) = checker.get(f"{API}transactions/?status=FAILED").json()["results"]
    shown = [checker.get(path).json()["failure"], listed["failure"], refused.json()]
    assert [one["retryable"] for one in shown] == [False] * 3
    assert checker.post(f"{path}retry/", {"reason": "Thawed"}).json()["code"] == "not_retryable"
    path = captured()
    assert checker.post(f"{path}approve/", {}).status_code == 200
    seen = [client_of(user).get(path).json()["hold_id"] for user in (ada, bob)]
    assert seen == [str(hold.pk), None]


def test_lists_are_narrowed_and_customers_see_their_own(teller: ApiClient) -> None:
    user = make_user("ada")
    own = make_account(balance=10, owner_id=user.pk)
    other = make_account(balance=10)
    mine, theirs = make_hold(own, 1), make_hold(other, 2, target_account_id=own.pk)
    teller.post(f"{API}holds/{mine.pk}/void/", {})
    newest = make_hold(own, 3)
    mine_id, theirs_id, newest_id = (str(one.pk) for one in (mine, theirs, newest))
    assert holds_of(teller, f"{API}holds/") == [newest_id, theirs_id, mine_id]
    assert holds_of(teller, f"{API}holds/?status=OPEN") == [newest_id, theirs_id]
    assert holds_of(teller, f"{API}holds/?account={other.pk}") == [theirs_id]
    assert holds_of(teller, account_path(own, "holds") + "?status=VOIDED") == [mine_id]
    ada = client_of(user)
    assert holds_of(ada, f"{API}holds/") == [newest_id, mine_id]
    assert ada.get(f"{API}holds/{newest_id}/").json()["amount"] == "3.00"
    assert ada.get(f"{API}holds/{theirs_id}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": "0"}, "/amount"),
        ({"amount": "1.001"}, "/amount"),
        ({}, "/amount"),
        ({"amount": "1", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"amount": "1", "target_account_id": "x"}, "/target_account_id"),
        ({"amount": "1", "final": True}, "/final"),
    ],
)
def test_bad_bodies_name_their_member(teller: ApiClient, body: Any, pointer: str) -> None:
    response = teller.post(account_path(make_account(balance=5), "hold"), body)
    assert response.status_code == 400
    assert [one["pointer"] for one in response.json()["errors"]] == [pointer]
