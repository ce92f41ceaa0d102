"""Changes of a webhook while a worker serves it, and what begins again with them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import deposit, make_account
from webhooks import endpoints, recording
from webhooks.delivering import Served, serve
from webhooks.tests.receiver import Receiver, receiver
from webhooks.tests.test_delivering import by, made, served

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient", "reaches_private"),
]


class Calling(list[int]):
    """The next answer is what the function returns."""

    def __init__(self, function: Callable[[], int]) -> None:
        super().__init__([204])
        self._function = function

    def pop(self, *_: Any) -> int:
        self.clear()
        try:
            return self._function()
        finally:
            connection.close()  # That of the receiver's thread.


@pytest.mark.parametrize("answer", [410, 500])
def test_what_the_old_address_answers_does_not_touch_the_new_one(
    got: Receiver, answer: int
) -> None:
    """The URL changes while the old address has the message and has not answered."""
    endpoint, _ = made(got.url)
    make_account()
    with receiver() as other:

        def change() -> int:
            endpoints.change(endpoint, by(endpoint.user), {"url": other.url})
            return answer

        got.answers = Calling(change)
        changed = served(endpoint)
        assert (changed.is_on, changed.failing_since, changed.lease_token) == (True, None, None)
        assert changed.next_at <= timezone.now()
        served(endpoint)
        assert (len(got.messages), other.ids()) == (1, got.ids())


def test_a_change_ends_the_turn_of_a_worker(got: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes next goes to the new URL, also after an answer that was good."""
    monkeypatch.setattr(recording, "_SECONDS", 0)
    endpoint, _ = made(got.url)
    deposit(make_account(), 1)
    with receiver() as other:

        def change() -> int:
            endpoints.change(endpoint, by(endpoint.user), {"url": other.url})
            return 204

        got.answers = Calling(change)
        served(endpoint)
        assert (len(got.messages), len(other.messages)) == (1, 0)
        served(endpoint)
        assert (len(got.messages), len(other.messages)) == (1, 1)


def test_a_new_url_is_tried_at_once_and_has_its_own_three_days(got: Receiver) -> None:
    endpoint, _ = made(got.url)
    make_account()
    got.answers = [500]
    endpoint = served(endpoint)
    assert endpoint.failing_since is not None
    paused = endpoints.change(endpoint, by(endpoint.user), {"description": "Till 7"})
    assert (paused.next_at, paused.failing_since) == (endpoint.next_at, endpoint.failing_since)
    changed = endpoints.change(endpoint, by(endpoint.user), {"url": f"{got.url}/new"})
    assert (changed.next_at <= timezone.now(), changed.failing_since) == (True, None)
    served(endpoint)
    assert len(got.messages) == 2


def test_a_webhook_that_was_deleted_meanwhile_is_not_served(got: Receiver) -> None:
    endpoint, _ = made(got.url)
    make_account()
    endpoints.delete(endpoint, by(endpoint.user))
    assert serve(endpoint.pk) == Served()
    assert got.messages == []
