"""Batches that reserve money, capture it and release it, among their movements."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account
from core import clock
from core.commands import Origin
from core.errors import HoldNotOpen
from tests.api import API, ApiClient, account_path, client_of, make_user, staff
from tests.assertions import nothing_changes
from tests.concurrency.crowd import at_once
from tests.factories import make_account, make_hold, run
from transactions.batches import input as batch_input
from transactions.commands import Approve, Capture
from transactions.models import Hold, HoldItem, Transaction
from transactions.tests.api.test_api_batch import item, post, shown
from transactions.tests.jobs.test_post_batch import refused as refused_file
from transactions.tests.jobs.test_post_batch import results
from transactions.tests.jobs.test_post_batch import run as post_file
from transactions.tests.queueing import assert_clean

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def capture(hold: Hold, **members: Any) -> dict[str, Any]:
    return {"type": "CAPTURE", "hold_id": str(hold.pk), **members}


def void(hold: Hold, **members: Any) -> dict[str, Any]:
    return {"type": "VOID", "hold_id": str(hold.pk), **members}


def problem_of(response: Any, code: str) -> Any:
    problem = response.json()
    assert problem["code"] == code
    return problem


def pointers(response: Any) -> list[str]:
    assert response.status_code == 400
    return [error["pointer"] for error in response.json()["errors"]]


def money_of(account: Account) -> tuple[Decimal | None, Decimal]:
    """The balance, and what is held of it."""
    found = Account.objects.get(pk=account.pk)
    return found.balance, found.held


def test_each_item_sees_what_the_earlier_ones_did(teller: ApiClient) -> None:
    ada, shop = make_account(balance=100), make_account()
    order, dinner = make_hold(ada, 30, target_account_id=shop.pk), make_hold(ada, 20)
    body = post(
        teller,
        item("WITHDRAW", ada, "50.01"),
        void(dinner, reason="Closed"),
        item("WITHDRAW", ada, "50.01"),
        capture(order, amount="12.00"),
        item("HOLD", ada, "19.99", target=shop, description="Order 8"),
        item("HOLD", ada, "0.01"),
        capture(order, final=True, amount="18.01"),
        capture(order),
    ).json()
    assert shown(body) == [
        ("FAILED", None, "insufficient_funds"),
        ("COMPLETED", None, None),
        ("COMPLETED", "49.99", None),
        ("COMPLETED", "37.99", None),
        ("COMPLETED", None, None),
        ("FAILED", None, "insufficient_funds"),
        ("FAILED", None, "invalid_transition"),
        ("COMPLETED", "19.99", None),
    ]
    assert (body["completed"], body["failed"], body["pending"]) == (5, 3, 0)
    voided, captured, placed, refused, late = (body["results"][at] for at in (1, 3, 4, 5, 6))
    assert (voided["hold_id"], voided["transaction_id"]) == (str(dinner.pk), None)
    assert captured["hold_id"] == str(order.pk)
    row = Transaction.objects.get(pk=captured["transaction_id"])
    assert (str(row.batch_id), row.batch_index) == (body["batch_id"], 3)
    assert teller.get(f"{API}transactions/{row.pk}/").json()["hold_id"] == str(order.pk)
    new = Hold.objects.get(pk=placed["hold_id"])
    assert (new.amount, new.target_account_id, new.description) == (
        Decimal("19.99"), shop.pk, "Order 8",
    )  # fmt: skip
    assert refused["failure"] == {
        "code": "insufficient_funds",
        "detail": "0.00 USD available, 0.01 USD needed.",
        "retryable": False,
    }
    assert (refused["hold_id"], late["hold_id"]) == (None, str(order.pk))
    assert late["failure"]["detail"] == "18.00 USD are left of the hold."
    assert "hold_id" not in body["results"][0]
    dinner.refresh_from_db()
    assert (dinner.status, dinner.end_reason) == ("VOIDED", "Closed")
    assert money_of(ada) == (Decimal("19.99"), Decimal("19.99"))
    assert money_of(shop) == (30, 0)
    assert_clean()


def test_an_atomic_batch_is_done_as_a_whole_or_not_at_all(teller: ApiClient) -> None:
    ada = make_account(balance=100)
    hold = make_hold(ada, 30)
    with nothing_changes():
        refused = post(
            teller, item("DEPOSIT", ada, "5.00"), capture(hold, amount="30.01"), atomic=True
        )
    problem = problem_of(refused, "invalid_transition")
    assert (problem["index"], problem.get("transaction_id")) == (1, None)
    # A movement that is refused is kept, as in any atomic batch, and nothing else is.
    refused = post(
        teller, item("HOLD", ada, "70.00"), capture(hold), item("WITHDRAW", ada, "1.00"),
        atomic=True,
    )  # fmt: skip
    problem = problem_of(refused, "insufficient_funds")
    assert problem["index"] == 2
    assert Transaction.objects.get(pk=problem["transaction_id"]).status == "FAILED"
    assert (Hold.objects.count(), HoldItem.objects.count()) == (1, 0)
    assert money_of(ada) == (100, 30)
    done = post(teller, item("HOLD", ada, "70.00"), capture(hold), atomic=True).json()
    assert [each["status"] for each in done["results"]] == ["COMPLETED", "COMPLETED"]
    assert money_of(ada) == (70, 70)
    assert_clean()


def test_a_dry_run_tells_each_result_and_leaves_nothing(teller: ApiClient) -> None:
    ada = make_account(balance=100)
    hold = make_hold(ada, 30)
    items = [item("HOLD", ada, "70.00"), capture(hold), void(hold), item("WITHDRAW", ada, "0.01")]
    with nothing_changes():
        body = post(teller, *items, query="?dry_run=true").json()
    assert body["dry_run"] is True
    assert shown(body) == [
        ("COMPLETED", None, None),
        ("COMPLETED", "70.00", None),
        ("FAILED", None, "invalid_transition"),
        ("FAILED", None, "insufficient_funds"),
    ]
    assert [each.get("hold_id", "-") for each in body["results"]] == [
        None, str(hold.pk), str(hold.pk), "-",
    ]  # fmt: skip
    assert {each["replays"] for each in body["results"]} == {None}


@pytest.mark.parametrize("atomic", [False, True])
def test_a_key_of_the_batch_returns_all_results_again(teller: ApiClient, atomic: bool) -> None:
    ada = make_account(balance=100)
    first, second = make_hold(ada, 30), make_hold(ada, 20)
    items = [item("HOLD", ada, "50.00"), capture(first, amount="7.50"), void(second)]
    items += [] if atomic else [item("HOLD", ada, "20.01"), capture(second)]
    send = {"atomic": atomic, "Idempotency_Key": "batch-1"}
    done = post(teller, *items, **send)
    with nothing_changes():
        again = post(teller, *items, **send)
        tried = post(teller, *items, query="?dry_run=true", **send)
        other = post(teller, *items[:-1], **send)
    assert again["Idempotent-Replayed"] == "true"
    replayed = [each | {"replayed": True} for each in done.json()["results"]]
    assert again.json() == done.json() | {"results": replayed}
    assert tried.json()["replays"] == done.json()["batch_id"]
    problem_of(other, "idempotency_key_reused")


def test_keys_of_items_are_those_of_single_requests(teller: ApiClient) -> None:
    ada = make_account(balance=100)
    hold, other = make_hold(ada, 30), make_hold(ada, 5)
    alone = teller.post(
        account_path(ada, "hold"), {"amount": "11.00"}, headers={"Idempotency-Key": "h"}
    ).json()
    items = [
        item("HOLD", ada, "11.00", idempotency_key="h"),
        capture(hold, amount="4.00", idempotency_key="c"),
        void(other, idempotency_key="v"),
    ]
    body = post(teller, *items).json()
    assert [each["replayed"] for each in body["results"]] == [True, False, False]
    assert body["results"][0]["hold_id"] == alone["hold_id"]
    with nothing_changes():
        captured = teller.post(
            f"{API}holds/{hold.pk}/capture/", {"amount": "4.00"}, headers={"Idempotency-Key": "c"}
        )
        tried = post(teller, *items, query="?dry_run=true").json()
        reused = [
            post(teller, {**each, **change})
            for each, change in zip(
                items, ({"amount": "12.00"}, {"amount": "5.00"}, {"reason": "No"}), strict=True
            )
        ]
    assert captured["Idempotent-Replayed"] == "true"
    assert captured.json()["transaction_id"] == body["results"][1]["transaction_id"]
    assert [each["replays"] for each in tried["results"]] == [
        alone["hold_id"], body["results"][1]["transaction_id"], str(other.pk),
    ]  # fmt: skip
    for response in reused:
        assert problem_of(response, "idempotency_key_reused")["index"] == 0
    again = post(teller, *items, item("WITHDRAW", ada, "1.00")).json()
    assert [each["replayed"] for each in again["results"]] == [True, True, True, False]
    assert money_of(ada) == (95, 37)


def test_a_large_capture_waits_for_a_second_person(teller: ApiClient, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    ada = make_account(balance=49)
    for _ in range(2):
        teller.post(account_path(ada, "deposit"), {"amount": "30.00"})
    hold = make_hold(ada, 60)
    with nothing_changes():
        whole = post(teller, item("DEPOSIT", ada, "1.00"), capture(hold), atomic=True)
    assert problem_of(whole, "approval_required")["index"] == 1
    body = post(teller, capture(hold), void(hold), prefer="respond-async")
    assert body.status_code == 200
    assert shown(body.json()) == [("PENDING", None, None), ("FAILED", None, "invalid_transition")]
    waiting = body.json()["results"][0]["transaction_id"]
    supervisor = make_user("susan", role="supervisor")
    approver = Origin(user_id=supervisor.pk, caller=f"user:{supervisor.pk}")
    assert run(Approve(transaction_id=UUID(waiting)), approver).status == "COMPLETED"
    assert money_of(ada) == (49, 0)


def test_bad_items_are_pointed_at_and_nothing_is_done(
    teller: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, euros = make_account(balance=100), make_account(currency="EUR")
    hold = make_hold(ada, 30)
    long_ago = "2020-01-01T00:00:00Z"
    with nothing_changes():
        shapes = post(
            teller,
            {"type": "HOLD", "amount": "1.00"},
            capture(hold, final="true"),
            void(hold, amount="1.00"),
            {"type": "CAPTURE"},
            item("DEPOSIT", ada, "1.00", hold_id=str(hold.pk)),
        )
        values = post(
            teller,
            item("HOLD", ada, "1.001"),
            capture(hold, amount="0.001"),
            item("HOLD", ada, "1.00", expires_at=long_ago),
            item("HOLD", ada, "1.00", target=euros),
            item("DEPOSIT", ada, "1.001"),
        )
        unknown = post(teller, item("DEPOSIT", ada, "1.00"), void(Hold(pk=ada.pk)))
        stranger = post(teller, item("HOLD", ada, "1.00", target=Account(pk=hold.pk)))
        monkeypatch.setattr(batch_input, "MAX_HOLD_ITEMS", 1)
        many = post(teller, void(hold), capture(hold))
    assert pointers(shapes) == [
        "/transactions/0/account_id",
        "/transactions/1/final",
        "/transactions/2/amount",
        "/transactions/3/hold_id",
        "/transactions/4/hold_id",
    ]
    assert pointers(values) == [
        "/transactions/0/amount",
        "/transactions/1/amount",
        "/transactions/2/expires_at",
        "/transactions/3/target_account_id",
        "/transactions/4/amount",
    ]
    assert pointers(many) == ["/transactions/1"]
    assert problem_of(unknown, "not_found")["index"] == 1
    assert problem_of(stranger, "not_found")["index"] == 0


def test_nobody_acts_on_holds_of_their_own_accounts() -> None:
    user = make_user("tom", role="teller")
    own, other = make_account(balance=50, owner_id=user.pk), make_account(balance=50)
    hold = make_hold(other, 10, target_account_id=own.pk)
    tom = client_of(user)
    with nothing_changes():
        answers = [
            post(tom, item("DEPOSIT", other, "1.00"), capture(hold)),
            post(tom, item("DEPOSIT", other, "1.00"), item("HOLD", other, "1.00", target=own)),
            post(tom, item("DEPOSIT", other, "1.00"), item("HOLD", own, "1.00")),
        ]
    for response in answers:
        assert problem_of(response, "self_dealing")["index"] == 1


def test_a_file_is_posted_once_and_its_voids_too(tmp_path: Path) -> None:
    ada = make_account(balance=100)
    first, second = make_hold(ada, 30), make_hold(ada, 20)
    path = tmp_path / "holds.csv"
    path.write_text(
        "type,account_id,amount,hold_id,final,reason\n"
        f"HOLD,{ada.id},15.00,,,\n"
        f"CAPTURE,,12.00,{first.pk},true,\n"
        f"VOID,,,{second.pk},,Cancelled\n"
        f"CAPTURE,,,{second.pk},,\n"
    )
    code, summary = post_file(path)
    assert (code, summary["completed"], summary["failed"]) == (1, 3, 1)
    told = results(path)
    assert [(each["status"], each["hold_id"] is None) for each in told] == [
        ("COMPLETED", False), ("COMPLETED", False), ("COMPLETED", False), ("FAILED", False),
    ]  # fmt: skip
    assert [each["transaction_id"] is None for each in told] == [True, False, True, True]
    # Its results are lost, as after a crash between the commit and the record.
    path.with_name("holds.csv.results").unlink()
    before = [list(model.objects.values()) for model in (Hold, Transaction)]
    post_file(path)
    assert [list(model.objects.values()) for model in (Hold, Transaction)] == before
    assert [each["replayed"] for each in results(path)] == [True, True, True, False]
    assert money_of(ada) == (88, 15)
    assert_clean()


def test_all_bad_lines_about_holds_are_told_at_once(tmp_path: Path) -> None:
    """A file is posted in pieces, so a line that can only be wrong must not wait for its piece."""
    teller = make_user("tom", role="teller")
    own, ada = make_account(balance=50, owner_id=teller.pk), make_account(balance=50)
    mine, to_me = make_hold(own, 9), make_hold(ada, 8, target_account_id=own.pk)
    path = tmp_path / "bad.csv"
    path.write_text(
        "type,account_id,amount,hold_id,expires_at\n"
        f"HOLD,{ada.pk},1.00,,2020-01-01T00:00:00Z\n"
        f"CAPTURE,,,{ada.pk},\n"
        f"HOLD,{ada.pk},1.00,,2099-01-01T00:00:00Z\n"
        f"VOID,,,{own.pk},\n"
        f"VOID,,,{mine.pk},\n"
        f"CAPTURE,,,{to_me.pk},\n"
        f"CAPTURE,,0.001,{to_me.pk},\n"
        f"DEPOSIT,{mine.pk},1.00,,\n"
    )
    own_account = f"Account {own.pk} is your own: another member of staff must do this."
    assert refused_file(path, "--actor=tom")[1].splitlines()[1:] == [
        "Line 2: expires_at: A hold expires in the future.",
        f"Line 3: There is no hold {ada.pk}.",
        "Line 4: expires_at: A hold lasts at most 366 days.",
        f"Line 5: There is no hold {own.pk}.",
        f"Line 6: {own_account}",
        f"Line 7: {own_account}",
        f"Line 8: {own_account}",
        "Line 8: amount: An amount in USD has at most 2 decimals.",
        f"Line 9: There is no account {mine.pk}.",
    ]


def test_a_line_that_has_placed_its_hold_keeps_its_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, path = make_account(balance=50), tmp_path / "holds.csv"
    soon = clock.now() + timedelta(hours=1)
    path.write_text(
        "type,account_id,amount,expires_at,idempotency_key\n"
        f"HOLD,{ada.pk},12.00,{soon.isoformat()},\n"
        f"HOLD,{ada.pk},13.00,{soon.isoformat()},taken\n"
    )
    assert post_file(path)[0] == 0
    monkeypatch.setattr(clock, "now", lambda: soon)
    path.with_name("holds.csv.results").unlink()
    assert post_file(path)[1]["replayed"] == 2
    other = tmp_path / "other.csv"
    other.write_text(path.read_text().replace("13.00", "14.00"))
    assert refused_file(other)[1].splitlines()[1:] == [
        "Line 2: expires_at: A hold expires in the future.",
        "Line 3: expires_at: A hold expires in the future.",
    ]
    assert money_of(ada) == (50, 25)


def test_a_hold_is_captured_by_a_batch_or_alone(teller: ApiClient) -> None:
    ada = make_account(balance=100)
    holds = [make_hold(ada, 10) for _ in range(6)]

    def alone() -> list[bool]:
        return [captured_alone(hold) for hold in reversed(holds)]

    def in_a_batch() -> list[bool]:
        body = post(teller, *map(capture, holds)).json()
        return [each["status"] == "COMPLETED" for each in body["results"]]

    one, other = at_once([alone, in_a_batch])
    assert [a != b for a, b in zip(reversed(one), other, strict=True)] == [True] * 6
    assert money_of(ada) == (40, 0)
    assert_clean()


def captured_alone(hold: Hold) -> bool:
    try:
        run(Capture(hold_id=hold.pk))
    except HoldNotOpen:
        return False
    return True
