"""A worker that is killed around a message to a webhook: the event arrives, and in its order."""

from collections.abc import Iterator

import pytest

from core.commands import Origin
from core.failpoints import FAILPOINTS
from tests.api import make_user
from tests.crash.processes import Workers, eventually, workers
from tests.factories import deposit, make_account
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint
from webhooks.tests.receiver import receiver

pytestmark = pytest.mark.django_db(transaction=True)

# How often the first event has arrived when the worker dies.
POINTS = {"webhook.collected": 0, "webhook.sent": 1}


def test_every_failpoint_is_killed_below() -> None:
    assert [name for name in FAILPOINTS if name.startswith("webhook.")] == [*POINTS]


@pytest.fixture(scope="module")
def senders(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    more = {"BANK_WEBHOOKS_REACH_PRIVATE": "true"}
    with workers(environment | more, tmp_path_factory.mktemp("senders")) as started:
        yield started


@pytest.mark.parametrize("failpoint", POINTS)
def test_the_next_worker_sends_what_a_killed_one_did_not_record(
    senders: Workers, settings: object, failpoint: str
) -> None:
    settings.WEBHOOKS_REACH_PRIVATE = True  # type: ignore[attr-defined]
    susan = make_user("susan", role="supervisor")
    with receiver() as got:
        origin = Origin(user_id=susan.pk, caller=f"user:{susan.pk}")
        endpoints.make(susan, origin, url=got.url)
        account = make_account()
        deposit(account, 1)
        assert senders.start(failpoints=f"{failpoint}=kill").exit_code() == -9
        assert len(got.messages) == POINTS[failpoint]
        Endpoint.objects.update(lease_token=None, lease_expires_at=None)  # The lease has run out.
        worker = senders.start()
        eventually(lambda: Delivery.objects.filter(status="DELIVERED").count() == 2)
        worker.kill()
        ids = got.ids()
        assert len(ids) == 2 + POINTS[failpoint]
        assert len(set(ids)) == 2
        assert ids.index(ids[-1]) == len(ids) - 1, "the later event comes last"
