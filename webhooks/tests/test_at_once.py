"""Two who change a webhook at the same time: one of them is refused, and nothing is left over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from core import clock
from core.errors import InvalidInput, InvalidTransition, NotFound
from core.identifiers import uuid7
from tests.api import make_user
from tests.concurrency.crowd import at_once
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint
from webhooks.tests.test_delivering import by

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://shop.example/hook"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def susan() -> Any:
    return make_user("susan", role="supervisor")


def test_what_is_added_while_a_webhook_is_deleted_goes_too(
    susan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, _ = endpoints.make(susan, by(susan), url=URL)
    begin, added = transaction.atomic, []

    def add_first(*arguments: Any, **named: Any) -> Any:
        """A worker adds a delivery after all others went, and before the webhook is locked."""
        if not added:
            added.append(uuid7(clock.now()))
            Delivery.objects.create(
                id=added[0], endpoint=endpoint, event_id=added[0], created_at=clock.now()
            )
        return begin(*arguments, **named)

    monkeypatch.setattr(transaction, "atomic", add_first)
    endpoints.delete(endpoint, by(susan))
    assert added
    assert not Delivery.objects.exists()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        partial(endpoints.change, values={"is_on": False}),
        endpoints.give_new_secret,
        endpoints.delete,
        replay.send_test,
        partial(replay.replay_range, first=BEGIN, end=BEGIN + timedelta(days=1)),
        partial(replay.skip, event_id=None),
    ],
    ids=["change", "secret", "delete", "test", "replay", "skip"],
)
def test_a_webhook_that_somebody_has_deleted_is_not_there(
    change: Callable[..., Any], susan: Any
) -> None:
    endpoint, _ = endpoints.make(susan, by(susan), url=URL)
    endpoints.delete(endpoint, by(susan))
    with pytest.raises(NotFound, match=f"There is no webhook {endpoint.pk}."):
        change(endpoint, by(susan))
    assert not Delivery.objects.exists()


def _made(user: Any) -> bool:
    try:
        endpoints.make(user, by(user), url=URL)
    except InvalidInput:
        return False
    return True


def _replayed(endpoint: Endpoint, event_id: UUID, user: Any) -> bool:
    try:
        replay.replay_event(endpoint, by(user), event_id)
    except InvalidTransition:
        return False
    return True


@pytest.mark.postgresql
def test_an_event_that_several_ask_for_comes_again_once(susan: Any) -> None:
    endpoint, _ = endpoints.make(susan, by(susan), url=URL)
    event_id = replay.send_test(endpoint, by(susan)).event_id
    replay.skip(endpoint, by(susan), event_id)
    sent = at_once([partial(_replayed, endpoint, event_id, susan) for _ in range(8)])
    assert sorted(sent) == [False] * 7 + [True]
    assert Delivery.objects.count() == 2


def _tested(endpoint: Endpoint, user: Any) -> bool:
    try:
        replay.send_test(endpoint, by(user))
    except InvalidTransition:
        return False
    return True


@pytest.mark.postgresql
def test_two_requests_do_not_take_the_same_room(
    susan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_OF_A_USER", 3)
    monkeypatch.setattr(replay, "_MOST_WAITING", 3)
    made = at_once([partial(_made, susan) for _ in range(8)])
    assert sorted(made) == [False] * 5 + [True] * 3
    endpoint = Endpoint.objects.first()
    sent = at_once([partial(_tested, endpoint, susan) for _ in range(8)])
    assert sorted(sent) == [False] * 5 + [True] * 3
    assert Delivery.objects.count() == 3
