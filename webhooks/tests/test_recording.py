"""Records of many messages share their statements, and lose nothing that others did meanwhile."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.commands import Origin
from core.settled import settled_moment
from tests.api import make_user
from tests.factories import deposit, make_account
from webhooks import endpoints, recording, replay
from webhooks.delivering import serve
from webhooks.models import Delivery, Endpoint
from webhooks.tests.receiver import Receiver

# The feed tells what is committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]

ORIGIN = Origin(caller="test", as_customer=True)


def made(got: Receiver) -> Endpoint:
    settled_moment()
    return endpoints.make(make_user("susan", role="supervisor"), ORIGIN, url=got.url)[0]


def test_a_message_has_no_statement_of_its_own(
    got: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_SECONDS", 1000)
    endpoint, account, counts = made(got), make_account(), []
    settled_moment()
    serve(endpoint.pk)
    for number in (2, 20):
        for _ in range(number):
            deposit(account, 1)
        settled_moment()
        got.messages.clear()
        with CaptureQueriesContext(connection) as captured:
            serve(endpoint.pk)
        counts.append((len(captured), len(got.messages)))
    assert [messages for _, messages in counts] == [2, 20]
    assert counts[0][0] == counts[1][0]
    assert not Delivery.objects.exclude(status="DELIVERED").exists()


class Skipping(list[int]):
    """Answers, after somebody has skipped what is just being sent."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__([204])
        self._endpoint = endpoint

    def pop(self, *_: Any) -> int:
        replay.skip(self._endpoint, ORIGIN, Delivery.objects.get(status="WAITING").event_id)
        connection.close()
        return 204


def test_what_was_skipped_meanwhile_stays_so(got: Receiver) -> None:
    endpoint = made(got)
    make_account()
    settled_moment()
    got.answers = Skipping(endpoint)
    serve(endpoint.pk)
    assert len(got.messages) == 1
    assert [*Delivery.objects.values_list("status", "attempt_count")] == [("SKIPPED", 0)]
