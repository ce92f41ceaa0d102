"""The feed: every change once, in order, each reader's own; cursors that last; long polls."""

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core.database import create_objects, drop_objects
from core.settled import settled_moment
from events import cursors, waiting
from events.changes import TYPES
from tests.api import API, ApiClient, client_of, make_user, staff
from tests.factories import ORIGIN, make_account, make_hold, run
from transactions.commands import (
    Capture,
    Deposit,
    Retry,
    Reverse,
    Transfer,
    VoidHold,
    Withdraw,
)
from transactions.ledger.processor import process
from transactions.models import Transaction, TransactionEvent
from transactions.queue import waiting as queue
from transactions.tests.queueing import WORKER, claimed, queue_up, work

# A reader sees what is committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]

FEED = f"{API}events/"


def walked(client: ApiClient, after: str = "", size: int = 3) -> tuple[list[dict[str, Any]], str]:
    """All events after the cursor, page by page, and the last cursor."""
    settled_moment()  # On PostgreSQL a test on another database holds the feed back.
    events: list[dict[str, Any]] = []
    while True:
        page = client.get(FEED, {"page_size": size} | ({"after": after} if after else {})).json()
        events += page["results"]
        after = page["cursor"]
        if not page["has_more"]:
            return events, after


def told(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


@pytest.fixture
def ada() -> Any:
    return make_user("ada")


def test_every_change_comes_once_and_in_order(auditor: ApiClient) -> None:
    payer = make_account(balance="10.00")
    payee = make_account()
    transfer = run(Transfer(account_id=payer.id, target_account_id=payee.id, amount=Decimal("2.5")))
    refused = run(Withdraw(account_id=payee.id, amount=Decimal(500)))
    run(Deposit(account_id=payee.id, amount=Decimal(600)))
    run(Retry(transaction_id=refused.id, reason="There is enough now"))
    (queued,) = queue_up(Deposit(account_id=payee.id, amount=Decimal(3)))
    work()
    run(FreezeAccount(account_id=payer.id, reason="Lost card", scope=FreezeScope.ALL))

    events, cursor = walked(auditor)
    assert told(events) == [
        "account.opened",
        "transaction.completed",  # The deposit of the opening, after its account.
        "account.opened",
        "transaction.completed",
        "transaction.failed",
        "transaction.completed",
        "transaction.retried",
        "transaction.completed",
        "transaction.created",
        "transaction.started",
        "transaction.completed",
        "account.frozen",
    ]
    of_transfer = next(event for event in events if event["id"] == str(transfer.id))
    assert of_transfer["data"] == {
        "transaction_id": str(transfer.id),
        "type": "TRANSFER",
        "account_id": str(payer.id),
        "target_account_id": str(payee.id),
        "amount": "2.50",
        "currency": "USD",
        "status": "COMPLETED",
        "previous_status": None,
        "failure_code": None,
    }
    steps = [
        (one["data"]["previous_status"], one["data"]["status"], one["data"]["failure_code"])
        for one in events
        if one["data"].get("transaction_id") in (str(refused.id), str(queued.id))
    ]
    # A refusal is told as it was, though the retry has overwritten it.
    assert steps == [
        (None, "FAILED", "insufficient_funds"),
        ("FAILED", "PENDING", None),
        ("PENDING", "COMPLETED", None),
        (None, "PENDING", None),
        ("PENDING", "PROCESSING", None),
        ("PROCESSING", "COMPLETED", None),
    ]
    rows = AccountEvent.objects.count() + TransactionEvent.objects.count()
    assert len({event["id"] for event in events}) == len(events)
    assert len(events) == rows + Transaction.objects.count()
    assert set(told(events)) <= set(TYPES)
    # Read again: the same. Read on: what is new.
    assert walked(auditor, size=50)[0] == events
    assert walked(auditor, after=cursor)[0] == []
    run(CloseAccount(account_id=make_account().id, reason="Gone"))
    assert told(walked(auditor, after=cursor)[0]) == ["account.opened", "account.closed"]
    # The end of the feed, for those who need no past.
    settled_moment()
    page = auditor.get(FEED, {"after": "newest"}).json()
    assert (page["results"], page["has_more"]) == ([], False)
    run(Deposit(account_id=payee.id, amount=Decimal("0.07")))
    events, _ = walked(auditor, after=page["cursor"])
    assert [event["data"]["amount"] for event in events] == ["0.07"]


def test_customers_are_told_of_their_own_only(
    ada: Any, auditor: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_account(balance="10.00", owner_id=ada.pk)
    other = make_account(balance="10.00")
    incoming = {"account_id": other.id, "target_account_id": own.id}
    outgoing = {"account_id": own.id, "target_account_id": other.id}
    paid = run(Transfer(**outgoing, amount=Decimal(1)))
    run(Transfer(**incoming, amount=Decimal(500)))  # Refused: not the payee's business.
    got = run(Transfer(**incoming, amount=Decimal(2)))
    (queued,) = queue_up(Transfer(**incoming, amount=Decimal(3)))
    (asked,) = queue_up(Transfer(**outgoing, amount=Decimal("0.5")))
    work()
    run(Reverse(transaction_id=paid.id, reason="A mistake"))
    run(Deposit(account_id=other.id, amount=Decimal(4)))

    events, cursor = walked(client_of(ada), size=2)
    assert told(events) == [
        "account.opened",
        "transaction.completed",
        "transaction.completed",
        "transaction.completed",
        "transaction.created",
        "transaction.completed",
        "transaction.completed",
        "transaction.completed",
    ]
    named = [event["data"].get("transaction_id") for event in events]
    assert named[2:5] == [str(one.id) for one in (paid, got, asked)]
    # The worker ends both in one database transaction, at one moment: in the order of the queue.
    assert named[5:7] == [str(queued.id), str(asked.id)]
    # That a payment to the customer had waited is the payer's business.
    before = [event["data"].get("previous_status") for event in events[5:7]]
    assert before == [None, "PROCESSING"]
    # Another's changes move the cursor on, and are not told.
    run(Deposit(account_id=other.id, amount=Decimal(4)))
    nothing, moved = walked(client_of(ada), after=cursor)
    assert nothing == []
    assert cursors.decode(moved) != cursors.decode(cursor)
    # A cursor does not tell whether anything has moved, and `has_more` not that others follow.
    assert walked(client_of(ada), after=moved)[1] != moved
    page = client_of(ada).get(FEED, {"page_size": len(events)}).json()
    assert (len(page["results"]), page["has_more"]) == (len(events), False)
    assert walked(client_of(make_user("grace")))[0] == []
    assert len(walked(auditor, size=200)[0]) > len(events)
    # A page looks through a bounded part of all changes.
    monkeypatch.setattr("events.feed._MOST_LOOKED_THROUGH", 2)
    page = client_of(ada).get(FEED, {"after": cursor}).json()
    assert (page["results"], page["has_more"]) == ([], False)
    page = client_of(ada).get(FEED).json()
    first_two = ["account.opened", "transaction.completed"]
    assert (told(page["results"]), page["has_more"]) == (first_two, True)
    assert walked(client_of(ada))[0] == events


def test_what_becomes_of_a_hold_is_told(ada: Any, auditor: ApiClient) -> None:
    own, shop = make_account(balance="50.00", owner_id=ada.pk), make_account()
    _, cursor = walked(auditor)
    hold = make_hold(own, 30, target_account_id=shop.id)
    # Two captures at one moment keep their order.
    first, last = process(
        [
            Capture(hold_id=hold.pk, amount=Decimal(12)),
            Capture(hold_id=hold.pk, amount=Decimal(8), final=True),
        ],
        ORIGIN,
    )
    run(VoidHold(hold_id=make_hold(own, 5).pk))
    make_hold(shop, 1)  # Another's.

    events, _ = walked(client_of(ada), after=cursor)
    assert told(events) == [
        "hold.placed",
        "transaction.completed",
        "hold.captured",
        "transaction.completed",
        "hold.captured",
        "hold.placed",
        "hold.voided",
    ]
    assert events[4]["data"] == {
        "hold_id": str(hold.pk),
        "account_id": str(own.id),
        "target_account_id": str(shop.id),
        "amount": "30.00",
        "captured": "20.00",
        "held": "0.00",
        "currency": "USD",
        "status": "CAPTURED",
        "transaction_id": str(last.id),
    }
    others = [events[i]["data"] for i in (0, 2, 6)]
    assert [(one["status"], one["held"], one["transaction_id"]) for one in others] == [
        ("OPEN", "30.00", None),
        ("OPEN", "18.00", str(first.id)),
        ("VOIDED", "0.00", None),
    ]
    seen, _ = walked(auditor, after=cursor)
    assert len(seen) == len(events) + 1
    assert set(told(seen)) <= set(TYPES)
    # A cursor from before the feed had holds hears of all of them.
    places = cursors.decode(walked(auditor)[1])[:3]
    old, _ = walked(auditor, after=cursors.encode(places))
    assert told(old) == [one["type"] for one in seen if one["type"].startswith("hold.")]


def test_cursors_last_and_are_the_banks(auditor: ApiClient, settings: Any) -> None:
    make_account()
    _, cursor = walked(auditor)
    for text in ("x", "Zm9v", "é", "A" * 600):
        response = auditor.get(FEED, {"after": text})
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == ["after"]
    # A new secret key, with the old one to fall back on.
    old, settings.SECRET_KEY = settings.SECRET_KEY, "n" * 60
    user = get_user_model().objects.get(username="auditor")
    assert client_of(user).get(FEED, {"after": cursor}).status_code == 400
    settings.SECRET_KEY_FALLBACKS = [old]
    assert walked(client_of(user), after=cursor)[0] == []
    # The change is gone, as after the restore of an older backup.
    newest = client_of(user).get(FEED, {"after": "newest"}).json()["cursor"]
    drop_objects(connection, kinds=("trigger",))
    AccountEvent.objects.update(id="0190163d-8694-7a9b-88a0-8da2e5e7e5a0")
    create_objects(connection)
    for lost in (cursor, newest):
        response = client_of(user).get(FEED, {"after": lost})
        assert (response.status_code, response.json()["code"]) == (410, "cursor_lost")


def test_a_poll_with_nothing_new_takes_one_statement(auditor: ApiClient) -> None:
    for _ in range(3):
        make_account(balance=1)
    _, cursor = walked(auditor)
    user = get_user_model().objects.get(username="auditor")
    user.get_all_permissions()
    client = ApiClient()
    client.force_authenticate(user)
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert client.get(FEED, {"after": cursor}).json()["results"] == []
    assert len(statements) == 1, statements.captured_queries
    with CaptureQueriesContext(connection) as statements:
        assert len(client.get(FEED).json()["results"]) == 6
    assert len(statements) <= 4  # No holds, so no statement for them.


@pytest.fixture
def _few_places() -> Iterator[None]:
    waiting.install(2)
    yield
    waiting.install(8)


@pytest.mark.usefixtures("_few_places")
def test_a_waiting_request_is_answered_by_the_next_change(auditor: ApiClient) -> None:
    account: Account = make_account()
    _, cursor = walked(auditor)
    other = staff("teller")
    found: list[Any] = []

    def poll() -> None:
        try:
            found.append(auditor.get(FEED, {"after": cursor}, headers={"Prefer": "wait=20"}))
        finally:
            connection.close()

    thread = threading.Thread(target=poll)
    thread.start()
    deadline = time.monotonic() + 10
    while not waiting._callers and time.monotonic() < deadline:
        time.sleep(0.01)
    # The one place is taken: others are answered at once, and the same caller too.
    for client in (other, auditor):
        began = time.monotonic()
        response = client.get(FEED, {"after": cursor}, headers={"Prefer": "wait=20"})
        assert time.monotonic() - began < 5
        assert response["Retry-After"] == "1"
        assert "Preference-Applied" not in response
    assert found == []
    run(Deposit(account_id=account.id, amount=Decimal(2)))
    thread.join(30)
    assert told(found[0].json()["results"]) == ["transaction.completed"]
    assert found[0]["Preference-Applied"] == "wait=20"
    assert waiting._callers == set()
    # Nothing comes: the time ends the wait.
    after = found[0].json()["cursor"]
    response = auditor.get(FEED, {"after": after}, headers={"Prefer": 'respond-async, wait="1"'})
    assert response["Preference-Applied"] == "wait=1"
    page = response.json()
    assert (page["results"], page["has_more"]) == ([], False)
    assert cursors.decode(page["cursor"]) == cursors.decode(after)


def test_what_a_worker_gives_back_is_told_to_staff_alone(ada: Any, auditor: ApiClient) -> None:
    own = make_account(balance=5, owner_id=ada.pk)
    _, cursor = walked(auditor)
    queue_up(Withdraw(account_id=own.id, amount=Decimal(1)))
    assert len(claimed()) == 1
    held = Transaction.objects.get(status="PROCESSING").lease_token
    assert held is not None
    queue.release(held, WORKER)
    work()
    assert told(walked(auditor, after=cursor)[0]) == [
        "transaction.created",
        "transaction.started",
        "transaction.released",
        "transaction.started",
        "transaction.completed",
    ]
    seen = walked(client_of(ada), after=cursor)[0]
    assert told(seen) == ["transaction.created", "transaction.completed"]
