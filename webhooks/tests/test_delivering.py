"""Deliveries: each event at least once, in order, signed; retries, switch-off, and repeats."""

import base64
import re
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from core import failpoints
from core.commands import Origin
from core.settled import settled_moment
from tests.api import make_user
from tests.factories import ORIGIN, deposit, make_account, run
from tests.mail_server import mail_server
from transactions.commands import Deposit
from transactions.ledger.processor import process
from webhooks import delivering, endpoints, replay
from webhooks.delivering import GIVES_UP_AFTER, pause, serve
from webhooks.models import Delivery, Endpoint
from webhooks.tests.receiver import Receiver, receiver, serving
from webhooks.working import WebhookDeliveries

# The feed tells what is committed.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient", "reaches_private"),
]


def made(url: str, *, role: str | None = "supervisor", **more: Any) -> tuple[Endpoint, str]:
    user = make_user(f"user-{Endpoint.objects.count()}", role=role)
    settled_moment()  # On PostgreSQL a test on another database holds the feed back.
    return endpoints.make(user, by(user), url=url, **more)


def by(user: Any) -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}", as_customer=not user.is_staff)


def served(endpoint: Endpoint) -> Endpoint:
    settled_moment()
    serve(endpoint.pk)
    return Endpoint.objects.get(pk=endpoint.pk)


def at_once(endpoint: Endpoint) -> None:
    """Ends the pause."""
    Endpoint.objects.filter(pk=endpoint.pk).update(next_at=timezone.now() - timedelta(seconds=1))


def amounts(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["amount"] for event in events]


def test_events_arrive_signed_and_in_order(got: Receiver) -> None:
    account = make_account()
    deposit(account, 1)
    endpoint, secret = made(got.url)
    for amount in range(2, 5):
        deposit(account, amount)
    endpoint = served(endpoint)
    events = got.verified(secret)
    # Not what was before the webhook.
    assert amounts(events) == ["2.00", "3.00", "4.00"]
    assert got.ids() == [event["id"] for event in events]
    assert [event["type"] for event in events] == ["transaction.completed"] * 3
    assert got.messages[0][0]["content-type"] == "application/json"
    served(endpoint)
    assert len(got.messages) == 3
    statuses = Delivery.objects.values_list("status", "attempt_count", "attempts__0__status")
    assert [*statuses] == [("DELIVERED", 1, 204)] * 3
    assert (endpoint.lease_token, endpoint.failing_since) == (None, None)


def test_only_wanted_types_and_what_the_user_may_see(got: Receiver) -> None:
    other, _ = made(got.url, types=["account.opened"])
    own, secret = made(got.url, role=None)
    account = make_account(owner_id=own.user_id)
    deposit(account, 5)
    deposit(make_account(), 6)
    served(own)
    told = [(event["type"], event["data"]["account_id"]) for event in got.verified(secret)]
    assert told == [(kind, str(account.pk)) for kind in ("account.opened", "transaction.completed")]
    got.messages.clear()
    served(other)
    assert [body.count('"account.opened"') for _, body in got.messages] == [1, 1]


def test_a_failure_is_tried_again_after_a_pause_and_nothing_overtakes_it(got: Receiver) -> None:
    endpoint, secret = made(got.url)
    account = make_account()
    deposit(account, 1)
    got.answers = [204, 500, 503]
    endpoint = served(endpoint)
    assert len(got.messages) == 2
    failing_since = endpoint.failing_since
    assert failing_since is not None
    assert endpoint.next_at - timezone.now() > timedelta(seconds=3)
    assert served(endpoint).next_at == endpoint.next_at
    assert len(got.messages) == 2, "it is in its pause"
    deposit(account, 2)
    at_once(endpoint)
    endpoint = served(endpoint)
    assert endpoint.failing_since == failing_since
    at_once(endpoint)
    endpoint = served(endpoint)
    assert endpoint.failing_since is None
    events = got.verified(secret)
    assert [event["type"] for event in events] == [
        "account.opened",
        *["transaction.completed"] * 4,
    ]
    assert amounts(events[1:]) == ["1.00", "1.00", "1.00", "2.00"]
    attempts = Delivery.objects.get(event_id=events[1]["id"]).attempts
    assert [one["status"] for one in attempts] == [500, 503, 204]


def test_pauses_grow_up_to_four_hours_and_differ() -> None:
    for attempts, seconds in ((1, 5), (2, 10), (5, 80), (12, 10240), (13, 14400), (1000, 14400)):
        found = {pause(attempts).total_seconds() for _ in range(50)}
        assert seconds <= min(found)
        assert max(found) < seconds * 1.26
        assert len(found) > 40


def test_it_is_switched_off_after_three_days_and_misses_nothing(
    got: Receiver, settings: Any
) -> None:
    settings.SENDS_MAIL, settings.DEFAULT_FROM_EMAIL = True, "bank@example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    make_user("susan", role="supervisor", email="susan@example.com")
    make_user("tom", role="teller", email="tom@example.com")
    endpoint, secret = made(got.url)
    account = make_account()
    got.answers = [500, 500]
    endpoint = served(endpoint)
    assert endpoint.is_on
    deposit(account, 1)
    now = timezone.now()
    with mail_server() as mails, time_machine.travel(now + GIVES_UP_AFTER):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mails.port
        endpoint = served(endpoint)
        assert served(endpoint).is_on is False
        assert mails.recipients() == ["susan@example.com"]
        assert str(endpoint.pk) in str(mails.mails[0])
    assert endpoint.off_reason == "It took nothing for 3 days. The last answer was 500."
    assert len(got.messages) == 2
    got.messages.clear()  # The second one is of another time.
    deposit(account, 2)
    endpoints.change(endpoint, by(endpoint.user), {"is_on": True})
    endpoint = served(endpoint)
    assert (endpoint.is_on, endpoint.off_reason, endpoint.failing_since) == (True, "", None)
    assert amounts(got.verified(secret)[1:]) == ["1.00", "2.00"]


def test_it_is_switched_off_at_once(got: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, _ = made(got.url)
    make_account()
    got.answers = [410]
    assert served(gone).off_reason == "It answered 410 (Gone)."
    unreadable, _ = made(got.url)
    make_account()
    Endpoint.objects.filter(pk=unreadable.pk).update(secret=gone.secret)
    assert "cannot read its secret" in served(unreadable).off_reason
    of_nobody, _ = made(got.url)
    type(of_nobody.user).objects.filter(pk=of_nobody.user_id).update(is_active=False)
    assert served(of_nobody).off_reason == "Its user is not active any more."
    assert len(got.messages) == 1


def test_one_worker_at_a_time_and_a_lease_ends(got: Receiver) -> None:
    endpoint, _ = made(got.url)
    make_account()
    now = timezone.now()
    rows = Endpoint.objects.filter(pk=endpoint.pk)
    rows.update(lease_token=endpoint.pk, lease_expires_at=now + timedelta(seconds=30))
    served(endpoint)
    assert got.messages == []
    rows.update(lease_expires_at=now - timedelta(seconds=1))
    assert served(endpoint).lease_token is None
    assert len(got.messages) == 1


@pytest.mark.parametrize(("point", "messages"), [("webhook.collected", 1), ("webhook.sent", 2)])
def test_what_a_failed_worker_did_not_record_is_sent_again(
    got: Receiver, point: str, messages: int
) -> None:
    endpoint, _ = made(got.url)
    make_account()
    failpoints.arm(f"{point}=raise")
    try:
        with pytest.raises(failpoints.FailpointReached):
            served(endpoint)
    finally:
        failpoints.arm("")
    served(endpoint)
    assert len(got.messages) == messages
    assert len(set(got.ids())) == 1
    assert [*Delivery.objects.values_list("status", flat=True)] == ["DELIVERED"]


def test_repeat_test_and_skip(got: Receiver) -> None:
    endpoint, secret = made(got.url)
    account = make_account()
    for amount in (1, 2):
        deposit(account, amount)
    served(endpoint)
    first = got.ids()
    assert (
        replay.replay_event(
            endpoint, by(endpoint.user), Delivery.objects.order_by("id")[1].event_id
        )
        == 1
    )
    served(endpoint)
    assert got.ids()[3:] == [first[1]]
    before = timezone.now() + timedelta(seconds=1)
    assert replay.replay_range(endpoint, by(endpoint.user), endpoint.created_at, before) == 3
    replay.send_test(endpoint, by(endpoint.user))
    served(endpoint)
    assert got.ids()[4:-1] == first
    assert got.verified(secret)[-1]["type"] == "webhook.test"
    assert replay.replay_range(endpoint, by(endpoint.user), before, before + timedelta(days=1)) == 0
    got.answers = [400]
    deposit(account, 3)
    deposit(account, 4)
    endpoint = served(endpoint)
    refused = got.ids()[-1]
    replay.skip(endpoint, by(endpoint.user), Delivery.objects.get(event_id=refused).event_id)
    served(endpoint)
    assert amounts(got.verified(secret)[-2:]) == ["3.00", "4.00"]
    assert Delivery.objects.get(event_id=refused).status == "SKIPPED"


def test_a_new_secret_signs_beside_the_old_one_for_a_day(got: Receiver) -> None:
    endpoint, old = made(got.url)
    new = endpoints.give_new_secret(endpoint, by(endpoint.user))
    make_account()
    endpoint = served(endpoint)
    assert got.verified(old) == got.verified(new)
    stored = endpoint.secret + endpoint.old_secret
    for secret in (old, new):
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        assert secret not in stored
        assert raw.hex() not in stored
    got.messages.clear()
    Endpoint.objects.update(old_secret_until=timezone.now())
    make_account()
    served(endpoint)
    assert got.verified(new)
    assert len(got.messages[0][0]["webhook-signature"].split()) == 1


def test_after_the_restore_of_an_older_backup_it_goes_on(got: Receiver) -> None:
    endpoint, secret = made(got.url)
    account = make_account()
    served(endpoint)
    places = [[0, str(endpoint.pk), True]] * 3
    Endpoint.objects.update(places=places)
    served(endpoint)
    deposit(account, 7)
    served(endpoint)
    assert amounts(got.verified(secret)[-1:]) == ["7.00"]


def test_money_takes_no_statement_more(got: Receiver) -> None:
    account: Account = make_account()

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            process([Deposit(account_id=account.pk, amount=Decimal(1))], ORIGIN)
        return len(captured)

    statements()
    without = statements()
    made(got.url)
    assert statements() == without
    endpoint = Endpoint.objects.get()
    served(endpoint)
    assert len(got.messages) == 1


def test_the_job_serves_and_slow_ones_keep_nobody_waiting(
    got: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six endpoints hang; the next has its event before any of them is answered."""
    monkeypatch.setattr(delivering, "SLOW_SECONDS", 0.01)
    goes_on, arrived = threading.Event(), threading.Event()
    job = WebhookDeliveries()
    job.look()
    assert job._thread is None, "nobody listens, so there is no thread"
    with receiver() as slow:
        slow.answers = Waiting(goes_on)
        for _ in range(6):
            job._slow.add(made(slow.url)[0].pk)
        _endpoint, secret = made(got.url)
        got.answers = Telling(arrived)
        run(Deposit(account_id=make_account().pk, amount=Decimal(1)))
        job._next_look = 0
        job.look()
        try:
            assert arrived.wait(10)
            assert not goes_on.is_set()
        finally:
            goes_on.set()
            job.stop()
    assert got.verified(secret)[0]["type"] == "account.opened"
    assert job._thread is not None
    job._thread.join(15)
    assert not job._thread.is_alive()


class Waiting(list[int]):
    """Answers that come when the event is set."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__([204] * 100)
        self._event = event

    def pop(self, *_: Any) -> int:
        self._event.wait(10)
        return 204


class Telling(Waiting):
    """Answers at once, and sets the event."""

    def pop(self, *_: Any) -> int:
        self._event.set()
        return 204


def test_the_receiver_of_the_documentation_survives_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, got: Receiver
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(program.splitlines()) <= 40
    endpoint, secret = made(got.url)
    store = tmp_path / "store.sqlite3"
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    monkeypatch.setenv("STORE", str(store))
    space: dict[str, Any] = {"__name__": "receiver"}
    exec(program, space)  # noqa: S102 - the documentation's own
    space["Receiver"].log_message = lambda *_: None
    with serving(space["Receiver"]) as port:
        Endpoint.objects.update(url=f"http://127.0.0.1:{port}/")
        deposit(make_account(), 5)
        served(endpoint)
        replay.replay_range(
            endpoint, by(endpoint.user), endpoint.created_at, timezone.now() + timedelta(seconds=1)
        )
        served(endpoint)
        assert [*Delivery.objects.values_list("status", flat=True)] == ["DELIVERED"] * 4
        with space["sqlite3"].connect(store) as rows:
            kinds = [kind for (kind,) in rows.execute("SELECT type FROM events ORDER BY rowid")]
        rows.close()
        assert kinds == ["account.opened", "transaction.completed"]
        # A forged message, and a good one that is old.
        endpoints.give_new_secret(endpoint, by(endpoint.user))
        Endpoint.objects.update(old_secret_until=timezone.now())
        replay.send_test(endpoint, by(endpoint.user))
        assert served(endpoint).failing_since is not None
        assert Delivery.objects.order_by("-id")[0].attempts[0]["status"] == 401
