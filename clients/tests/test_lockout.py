"""Guessing client secrets: the limit, who is counted, and that others are not affected."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client

from clients.models import ApiClient
from clients.registry import create_client, issue_token

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADDRESS = "192.0.2.1"
ROUTES = ["token", "revoke", "introspect"]


@pytest.fixture(autouse=True)
def _three_failures_within_ten_minutes(settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 3
    settings.LOCKOUT_MINUTES = 10
    settings.WEB_WORKERS = 8  # Each of them allows the whole limit.
    caches["throttles"].clear()


@pytest.fixture
def api_client() -> tuple[ApiClient, str]:
    """A new client for each test, so no earlier failure counts."""
    return create_client("Shop", user=User.objects.create_user("shop"), scopes=["accounts:read"])


def post(route: str, client: ApiClient, secret: str, *, address: str = ADDRESS) -> HttpResponse:
    body = {
        "client_id": client.client_id,
        "client_secret": secret,
        "grant_type": "client_credentials",
        "token": "unknown",
    }
    return Client(REMOTE_ADDR=address).post(
        f"/api/v1/oauth/{route}/", urlencode(body), "application/x-www-form-urlencoded"
    )


def statuses(route: str, client: ApiClient, secret: str, times: int, **options: Any) -> list[int]:
    return [post(route, client, secret, **options).status_code for _ in range(times)]


@pytest.mark.parametrize("route", ROUTES)
def test_failures_lock_all_three_routes_until_the_window_ends(
    route: str, api_client: tuple[ApiClient, str]
) -> None:
    client, secret = api_client
    with time_machine.travel(START, tick=False) as clock:
        assert statuses(route, client, "wrong", 4) == [401, 401, 401, 429]
        for other in ROUTES:
            refused = post(other, client, secret)
            assert refused.status_code == 429
            assert refused["Content-Type"] == "application/problem+json"
            assert refused["Retry-After"] == "600"
        clock.shift(599)
        assert post(route, client, secret)["Retry-After"] == "1"
        clock.shift(1)
        assert [post(other, client, secret).status_code for other in ROUTES] == [200, 200, 200]


def test_only_the_pair_of_client_and_address_is_locked_out(
    api_client: tuple[ApiClient, str],
) -> None:
    client, secret = api_client
    other, other_secret = create_client("Till", user=client.user, scopes=["accounts:read"])
    with time_machine.travel(START, tick=False):
        assert statuses("token", client, "wrong", 4) == [401, 401, 401, 429]
        assert post("token", other, other_secret).status_code == 200
        assert post("token", client, secret, address="192.0.2.2").status_code == 200


@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2::{number:x}" for number in range(1, 5)],
        ["192.0.2.9", "::ffff:192.0.2.9", "0:0:0:0:0:ffff:192.0.2.9", "::FFFF:c000:209"],
    ],
)
def test_addresses_of_one_host_count_together(
    addresses: list[str], api_client: tuple[ApiClient, str]
) -> None:
    client, secret = api_client
    with time_machine.travel(START, tick=False):
        tried = [post("token", client, "wrong", address=each).status_code for each in addresses]
        assert tried == [401, 401, 401, 429]
        assert post("token", client, secret, address="2001:db8:1:3::1").status_code == 200


def test_success_and_other_refusals_do_not_count(api_client: tuple[ApiClient, str]) -> None:
    client, secret = api_client
    with time_machine.travel(START, tick=False):
        assert statuses("token", client, "wrong", 2) == [401, 401]
        assert statuses("token", client, secret, 5) == [200] * 5
        body = urlencode({"grant_type": "password", "client_id": client.client_id})
        for _ in range(3):
            answer = Client(REMOTE_ADDR=ADDRESS).post(
                "/api/v1/oauth/token/", body, "application/x-www-form-urlencoded"
            )
            assert answer.status_code == 400
        assert statuses("token", client, "wrong", 2) == [401, 429]


def test_a_name_in_front_does_not_hide_guesses_at_another(
    api_client: tuple[ApiClient, str],
) -> None:
    """A request with two client names is refused, and neither secret is tried."""
    client, secret = api_client
    with time_machine.travel(START, tick=False):
        for number in range(3):
            basic = b64encode(f"decoy-{number}:wrong".encode()).decode()
            answer = Client(REMOTE_ADDR=ADDRESS).post(
                "/api/v1/oauth/introspect/",
                urlencode({"client_id": client.client_id, "client_secret": "wrong"}),
                "application/x-www-form-urlencoded",
                headers={"Authorization": f"Basic {basic}"},
            )
            assert answer.status_code == 400
        assert post("introspect", client, secret).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("encoding", ["hex", "utf-16", "cp037", "rot13", "utf-8", "nonsense"])
@pytest.mark.parametrize("place", ["form", "query", "media type"])
def test_no_encoding_hides_guesses_at_a_client(
    route: str, encoding: str, place: str, api_client: tuple[ApiClient, str]
) -> None:
    """The library would decode the header with the encoding that a parameter names."""
    client, secret = api_client
    charset = "utf-8" if encoding in ("hex", "rot13", "nonsense") else encoding
    basic = b64encode(f"{client.client_id}:{secret}".encode(charset)).decode()
    form = {"grant_type": "client_credentials", "token": "unknown"}
    answer = Client(raise_request_exception=False).generic(
        "POST",
        f"/api/v1/oauth/{route}/",
        urlencode(form | ({"encoding": encoding} if place == "form" else {})),
        "application/x-www-form-urlencoded"
        + (f"; charset={encoding}" if place == "media type" else ""),
        query_params={"encoding": encoding} if place == "query" else {},
        headers={"Authorization": f"Basic {basic}"},
    )
    # An unknown charset counts as none.
    is_plain = place == "media type" and encoding in ("utf-8", "nonsense")
    expected = 200 if is_plain else 400
    assert answer.status_code == expected, answer.content


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&token=x&headers=x",
        "grant_type=client_credentials&token=x&client=x",
        "grant_type=client_credentials&token=x&token=y",
        "grant_type=client_credentials&token=x&client_id=another",
        "grant_type=client_credentials&token=x&client_secret=x",
    ],
)
def test_a_form_with_more_than_the_fields_is_refused(
    route: str, body: str, api_client: tuple[ApiClient, str]
) -> None:
    client, secret = api_client
    basic = b64encode(f"{client.client_id}:{secret}".encode()).decode()
    answer = Client().post(
        f"/api/v1/oauth/{route}/",
        body,
        "application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "credentials", ["", "%", "no-colon", b64encode(b"\xff\xfe:x").decode(), "Y2xpZW50"]
)
def test_unreadable_client_names_are_counted_together(credentials: str) -> None:
    address = f"198.51.100.{len(credentials)}"
    with time_machine.travel(START, tick=False):
        answers = [
            Client(REMOTE_ADDR=address).post(
                "/api/v1/oauth/introspect/",
                "token=unknown",
                "application/x-www-form-urlencoded",
                headers={"Authorization": f"Basic {credentials}"},
            )
            for _ in range(4)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


def test_0_failures_switch_the_lockout_off(
    settings: Any, api_client: tuple[ApiClient, str]
) -> None:
    settings.LOCKOUT_FAILURES = 0
    assert statuses("token", api_client[0], "wrong", 10) == [401] * 10


def test_staff_read_of_clients_and_tokens_all_but_secrets(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    client, secret = api_client
    token = issue_token(client)
    stored = client.accesstoken_set.get()
    pages = {
        "/admin/clients/apiclient/": 200,
        f"/admin/clients/apiclient/{client.pk}/change/": 200,
        "/admin/clients/apiclient/add/": 403,
        "/admin/oauth2_provider/accesstoken/": 200,
        f"/admin/oauth2_provider/accesstoken/{stored.pk}/change/": 200,
        "/admin/oauth2_provider/accesstoken/add/": 403,
        "/admin/oauth2_provider/refreshtoken/": 404,
        "/admin/oauth2_provider/grant/": 404,
        "/admin/oauth2_provider/idtoken/": 404,
    }
    for path, status in pages.items():
        answer = admin_client.get(path)
        assert answer.status_code == status, path
        html = answer.content.decode()
        for hidden in (secret, client.client_secret, token, stored.token, stored.token_checksum):
            assert not hidden or hidden not in html
    for path in (path for path, status in pages.items() if status == 200):
        assert admin_client.post(path, {"name": "Mine", "is_active": ""}).status_code == 403
    client.refresh_from_db()
    assert (client.name, client.is_active) == ("Shop", True)
