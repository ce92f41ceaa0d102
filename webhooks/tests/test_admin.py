"""The console: what supervisors do with webhooks, and nobody else."""

import logging
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.commands import Origin
from core.errors import InvalidTransition
from core.identifiers import uuid7
from staff.models import StaffSession
from tests.admin import logged_in
from tests.api import make_user
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

LIST = reverse("admin:webhooks_endpoint_changelist")
MAKE = reverse("admin:webhooks_endpoint_make_webhook")
URL = "https://shop.example/hook?token=x"
TYPE = "account.opened"
OF_CUSTOMER = Origin(caller="test", as_customer=True)


@pytest.fixture
def susan() -> Client:
    return logged_in(make_user("susan", role="supervisor"))


def form(**changed: Any) -> dict[str, Any]:
    return {
        "url": URL,
        "description": "The shop",
        "types": [],
        "key": str(uuid7(timezone.now())),
    } | changed


def made() -> Endpoint:
    return endpoints.make(make_user(f"user-{uuid4().hex[:8]}"), OF_CUSTOMER, url=URL)[0]


def as_shown(endpoint: Endpoint) -> dict[str, Any]:
    """What the page of a change sends along."""
    shown = {"url": endpoint.url, "description": endpoint.description, "types": endpoint.types}
    return {f"initial-{name}": value for name, value in shown.items()}


def page(row: Any, button: str) -> str:
    return reverse(f"admin:webhooks_{row._meta.model_name}_{button}", args=(row.pk,))


def secret_on(response: Any) -> str:
    (found,) = re.findall(r'id="webhook-secret">([^<]+)<', response.content.decode())
    return str(found)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def noted() -> list[tuple[str, str]]:
    rows = LogEntry.objects.order_by("id").values_list("user__username", "change_message")
    return [*rows]


def test_a_supervisor_makes_one_and_the_secret_is_shown_once(
    susan: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert f'href="{MAKE}"' in susan.get(LIST).content.decode()
    filled = form(types=["account.opened", "transaction.completed"])
    response = susan.post(MAKE, filled)
    secret, endpoint = secret_on(response), Endpoint.objects.get()
    assert secret.startswith("whsec_")
    assert "no-store" in response["Cache-Control"]
    assert (str(endpoint.pk), endpoint.url, endpoint.user.username) == (
        filled["key"],
        URL,
        "susan",
    )
    assert endpoint.types == ["account.opened", "transaction.completed"]
    for url in (LIST, page(endpoint, "change"), page(endpoint, "new_secret"), reverse("audit")):
        assert secret not in susan.get(url).content.decode()
    kept = (caplog.text, response.wsgi_request.session.items(), response.cookies, noted())
    sessions = [one.get_decoded() for one in StaffSession.objects.all()]
    assert secret not in repr([*kept, sessions, Endpoint.objects.values()])
    again = susan.post(MAKE, filled)
    assert (again.status_code, again["Location"]) == (302, page(endpoint, "change"))
    assert said(again)[0].startswith("This webhook was already made")
    assert Endpoint.objects.count() == 1
    assert noted() == [("susan", "Made a webhook to shop.example/hook")]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": ""}, "This field is required."),
        ({"url": "http://shop.example/"}, "The URL must begin with https://."),
        ({"url": "https://10.0.0.1/"}, "The host has an address that is not public."),
        ({"url": f"https://shop.example/{'a' * 500}"}, "at most 500 characters"),
        ({"types": ["nothing"]}, "Select a valid choice."),
        ({"description": "a\u202eb"}, "The character U+202E"),
        ({"key": "x"}, "Enter a valid UUID."),
        ({"key": str(uuid4())}, "This form is not of this bank."),
    ],
)
def test_bad_input_makes_none(susan: Client, changed: dict[str, Any], words: str) -> None:
    response = susan.post(MAKE, form(**changed))
    assert response.status_code == 200
    assert words in str(response.context["form"].errors)
    assert not Endpoint.objects.exists()
    assert noted() == []


def test_a_supervisor_changes_one(susan: Client) -> None:
    endpoint = made()
    change = page(endpoint, "change_webhook")
    shown = susan.get(change).content.decode()
    assert 'value="https://shop.example/hook?token=x"' in shown
    values = {"url": URL, "description": "Till 7", "types": ["account.opened"]}
    assert susan.post(change, as_shown(endpoint) | values).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.types) == tuple(values.values())
    again = as_shown(endpoint) | values
    assert said(susan.post(change, again))[-1] == "Nothing was changed."
    refused = susan.post(change, again | {"url": "https://127.1/"})
    assert "not public" in str(refused.context["form"].errors)
    assert noted() == [("susan", "Changed the webhook: description, types")]


def test_what_someone_else_has_changed_meanwhile_stays(susan: Client) -> None:
    endpoint = made()
    shown = as_shown(endpoint)
    page_shown = susan.get(page(endpoint, "change_webhook")).content.decode()
    assert all(f'name="{name}"' in page_shown for name in shown if name != "initial-types")
    endpoints.change(endpoint, OF_CUSTOMER, {"url": "https://new.example/", "types": [TYPE]})
    values = {"url": URL, "types": [], "description": "Till 7"}
    assert susan.post(page(endpoint, "change_webhook"), shown | values).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.types) == ("https://new.example/", [TYPE])
    assert endpoint.description == "Till 7"


def test_the_list_of_a_day_has_the_one_that_was_made_in_the_console(susan: Client) -> None:
    """Lists are ordered, and filtered by days, by the moment in the id."""
    shown = susan.get(MAKE).context["form"]["key"].initial
    susan.post(MAKE, form(key=str(shown)))
    today = timezone.localdate()
    listed = susan.get(LIST, {"created_at_from": today, "created_at_to": today}).content.decode()
    assert "shop.example/hook" in listed


def test_a_change_meanwhile_is_no_new_secret(susan: Client) -> None:
    endpoint = made()
    ask = page(endpoint, "new_secret")
    shown = susan.get(ask).context["form"].initial["shown"]
    endpoints.change(endpoint, OF_CUSTOMER, {"description": "Till 7"})
    assert secret_on(susan.post(ask, {"shown": shown})).startswith("whsec_")


def test_a_new_secret_replaces_the_one_that_the_page_meant(susan: Client) -> None:
    endpoint = made()
    ask = page(endpoint, "new_secret")
    shown = susan.get(ask).context["form"].initial["shown"]
    assert secret_on(susan.post(ask, {"shown": shown})).startswith("whsec_")
    replaced = Endpoint.objects.get()
    assert (replaced.old_secret, replaced.secret == endpoint.secret) == (endpoint.secret, False)
    assert said(susan.post(ask, {"shown": shown}))[0].endswith(
        "The secret was already replaced, and the new one was shown then. If you have not seen it,"
        " ask for another."
    )
    assert Endpoint.objects.get().secret == replaced.secret
    with pytest.raises(InvalidTransition):
        endpoints.give_new_secret(endpoint, OF_CUSTOMER)
    assert Endpoint.objects.get().old_secret == endpoint.secret, "it signs for its day"
    assert noted() == [("susan", "Gave the webhook a new secret")]


def test_a_supervisor_sends_a_time_again(susan: Client) -> None:
    endpoint = made()
    now = timezone.now().replace(microsecond=0)
    for _ in range(2):
        replay.skip(endpoint, OF_CUSTOMER, replay.send_test(endpoint, OF_CUSTOMER).event_id)
    Delivery.objects.update(type="account.opened")
    again = page(endpoint, "replay_range")
    first, end = (
        (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") for seconds in (-60, 60)
    )
    backwards = susan.post(again, {"after": end, "before": first})
    assert str(backwards.context["form"].errors["before"][0]) == (
        "The end of the time must be after its beginning."
    )
    assert Delivery.objects.count() == 2
    assert said(susan.post(again, {"after": first, "before": end})) == [
        "Deliveries that come again, after those that wait: 2."
    ]
    assert Delivery.objects.filter(status="WAITING").count() == 2
    ((user, words),) = noted()
    assert (user, words[:17], words[-15:]) == ("susan", "Sent again: from ", "; deliveries: 2")


def test_the_other_buttons_and_what_is_noted(susan: Client) -> None:
    endpoint = made()
    test = replay.send_test(endpoint, OF_CUSTOMER)
    for button, reason in (
        ("send_test", ""),
        ("switch_off", "Switched off by a member of staff."),
        ("switch_on", ""),
    ):
        assert susan.post(page(endpoint, button)).status_code == 302
        endpoint.refresh_from_db()
        assert endpoint.off_reason == reason
    assert susan.post(page(test, "skip")).status_code == 302
    assert susan.post(page(test, "send_again")).status_code == 302
    statuses = Delivery.objects.order_by("id").values_list("status", flat=True)
    assert [*statuses] == ["SKIPPED", "WAITING", "WAITING"]
    assert susan.get(page(endpoint, "delete_webhook")).status_code == 200
    gone = susan.post(page(endpoint, "delete_webhook"))
    assert (gone.status_code, gone["Location"]) == (302, LIST)
    assert not Endpoint.objects.exists()
    assert [words for _, words in noted()] == [
        "Sent a test",
        "Switched the webhook off",
        "Switched the webhook on",
        f"Left out the event {test.event_id}",
        f"Sent again: the event {test.event_id}; deliveries: 1",
        "Deleted the webhook to shop.example/hook",
    ]


def test_a_supervisor_ends_the_pause_of_one_that_fails(susan: Client) -> None:
    endpoint, now = made(), timezone.now()
    assert susan.post(page(endpoint, "try_now")).status_code == 403
    Endpoint.objects.update(failing_since=now, next_at=now + timedelta(hours=4))
    assert "Try now" in susan.get(page(endpoint, "change")).content.decode()
    assert said(susan.post(page(endpoint, "try_now"))) == ["The next attempt is at once."]
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.next_at <= timezone.now()) == (None, True)


def test_tellers_look_and_have_no_buttons(susan: Client) -> None:
    endpoint = made()
    test = replay.send_test(endpoint, OF_CUSTOMER)
    tom = logged_in(make_user("tom", role="teller"))
    for row in (endpoint, test):
        listed = reverse(f"admin:webhooks_{row._meta.model_name}_changelist")
        for client in (susan, tom):
            shown = client.get(listed).content.decode()
            assert "shop.example/hook" in shown
            assert "token=x" not in shown
        assert "What you can do" in susan.get(page(row, "change")).content.decode()
    buttons = tom.get(page(endpoint, "change")).context["buttons"]
    assert [one["title"] for one in buttons] == ["Deliveries"]
    # May manage webhooks, but not read what they would tell.
    half = make_user("half", is_staff=True)
    half.user_permissions.set(
        Permission.objects.filter(codename__in=("view_endpoint", "manage_endpoint"))
    )
    for client in (tom, logged_in(half)):
        assert client.get(LIST).status_code == 200
        for path in (
            MAKE,
            *(page(endpoint, one) for one in ("change_webhook", "new_secret", "replay_range")),
            *(page(endpoint, one) for one in ("send_test", "switch_off", "delete_webhook")),
            page(test, "skip"),
        ):
            assert client.post(path, form()).status_code == 403, path
    assert Endpoint.objects.count() == Delivery.objects.count() == 1
    assert noted() == []


def test_pages_read_no_more_for_more_rows(susan: Client) -> None:
    def counted(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert susan.get(path).status_code == 200
        return len(queries)

    endpoint = made()
    replay.send_test(endpoint, OF_CUSTOMER)
    lists = (LIST, reverse("admin:webhooks_delivery_changelist"))
    forms = (MAKE, page(endpoint, "change_webhook"), page(endpoint, "new_secret"))
    for path in lists:
        susan.get(path)
    before = [counted(path) for path in lists]
    for _ in range(3):
        replay.send_test(made(), OF_CUSTOMER)
    assert [counted(path) for path in lists] == before
    assert max(before) <= 12
    assert max(counted(path) for path in forms) <= 8
