"""What an endpoint reads of the feed, where nothing in it is for its user."""

from typing import Any

import pytest

from tests.factories import deposit, make_account
from webhooks import collecting
from webhooks.models import Delivery, Endpoint
from webhooks.tests.test_delivering import made, served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]


def test_a_quiet_customer_does_not_read_the_changes_of_others_for_ever(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are read again, which takes no write; after many the places move on."""
    settings.WEBHOOKS_REACH_PRIVATE = True
    monkeypatch.setattr(collecting, "_MOST_READ_AGAIN", 4)
    account = make_account()
    endpoint, _ = made("http://127.0.0.1:9/", role=None)
    for amount in (1, 2, 3):
        deposit(account, amount)
    assert served(endpoint).places == endpoint.places
    deposit(account, 4)
    assert served(endpoint).places == collecting.newest() != endpoint.places
    assert not Delivery.objects.exists()
    assert Endpoint.objects.get().failing_since is None
