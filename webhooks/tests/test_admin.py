"""The console: what supervisors do with webhooks, and nobody else."""

from typing import Any

import pytest
from django.urls import reverse

from core.commands import Origin
from tests.api import ApiClient, make_user, staff
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


def press(client: ApiClient, row: Any, button: str) -> int:
    page = reverse(f"admin:webhooks_{row._meta.model_name}_{button}", args=(row.pk,))
    return client.post(page, {}, format="multipart").status_code


def test_supervisors_press_the_buttons_and_tellers_have_none() -> None:
    ada = make_user("ada")
    endpoint, _ = endpoints.make(
        ada, Origin(user_id=ada.pk, as_customer=True), url="https://shop.example/hook?token=x"
    )
    test = replay.send_test(endpoint)
    susan, tom = staff("supervisor"), staff("teller")
    for client in (susan, tom):
        for name, row in (("endpoint", endpoint), ("delivery", test)):
            listed = client.get(reverse(f"admin:webhooks_{name}_changelist")).content.decode()
            assert "shop.example/hook" in listed
            assert "token=x" not in listed
            page = client.get(reverse(f"admin:webhooks_{name}_change", args=(row.pk,)))
            assert page.status_code == 200
            assert ("Send a test" in page.content.decode()) == (
                client is susan and name == "endpoint"
            )
    for row, button in ((endpoint, "switch_off"), (endpoint, "send_test"), (test, "skip")):
        assert press(tom, row, button) == 403
    assert press(susan, endpoint, "send_test") == 302
    assert Delivery.objects.count() == 2
    assert press(susan, test, "skip") == 302
    test.refresh_from_db()
    assert test.status == "SKIPPED"
    assert press(susan, test, "send_again") == 302
    assert Delivery.objects.filter(event_id=test.event_id).count() == 2
    assert press(susan, endpoint, "switch_off") == 302
    assert not Endpoint.objects.get().is_on
    assert press(susan, endpoint, "switch_on") == 302
    assert Endpoint.objects.get().is_on
