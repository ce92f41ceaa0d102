"""`/metrics`: who may read it, and what nobody can make of it."""

from typing import Any

import pytest
from django.test import Client, override_settings
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.api import API
from tests.metrics import parsed, reading, sums

pytestmark = pytest.mark.django_db

TOKEN = "only-for-tests-0123456789-0123456789"
OPEN = override_settings(METRICS_ARE_OPEN=True)
CLOSED = override_settings(METRICS_ARE_OPEN=False, METRICS_TOKEN="")
BY_TOKEN = override_settings(METRICS_ARE_OPEN=False, METRICS_TOKEN=TOKEN)


def asked(method: str = "get", address: str = "127.0.0.1", **more: Any) -> Any:
    return getattr(Client(), method)("/metrics", REMOTE_ADDR=address, **more)


@OPEN
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_the_embedded_bank_answers_its_own_machine(address: str) -> None:
    response = asked(address=address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert parsed(response.content.decode())


@OPEN
@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "", "unix", "::ffff:192.0.2.7"])
def test_for_others_there_is_no_such_page(address: str) -> None:
    assert asked(address=address).status_code == 404


@OPEN
def test_a_foreign_name_for_this_machine_is_refused() -> None:
    """A page in a browser on this machine may lead its own name here."""
    assert asked(headers={"Host": "evil.example"}).status_code == 400


@CLOSED
def test_without_a_token_there_is_no_such_page() -> None:
    assert asked().status_code == 404
    assert asked(headers={"Authorization": "Bearer "}).status_code == 404


@override_settings(BANK_METRICS=False, METRICS_ARE_OPEN=True, METRICS_TOKEN=TOKEN)
def test_switched_off_there_is_no_such_page() -> None:
    assert asked(headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


@BY_TOKEN
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer \xe4", 401),
        ("Bearer", 401),
        (TOKEN, 401),
        (None, 401),
    ],
)
def test_the_token_opens_it_from_anywhere(authorization: str | None, status: int) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = asked(address="192.0.2.7", headers={"Host": "10.1.2.3:5000", **headers})
    assert response.status_code == status
    assert (response.get("WWW-Authenticate") == 'Bearer realm="metrics"') == (status == 401)


@BY_TOKEN
@override_settings(SECURE_SSL_REDIRECT=True, THROTTLE_ADDRESS_PER_MINUTE=1)
def test_it_is_neither_redirected_nor_throttled() -> None:
    for _ in range(5):
        assert asked(headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@OPEN
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_it_is_only_read(method: str) -> None:
    response = asked(method)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@OPEN
def test_a_trace_is_the_example_of_its_bucket() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    Client().get(f"{API}health/", headers=headers)
    response = asked(headers={"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
    assert response["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    examples = {
        sample.exemplar.labels["trace_id"]: (sample.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
        if sample.exemplar
    }
    labels, seconds = examples[trace]
    assert labels["route"] == "/api/v1/health/"
    assert 0 < seconds <= float(labels["le"])
    assert b"# {" not in asked().content


def test_nothing_that_is_sent_makes_a_series() -> None:
    def send(number: int) -> None:
        client = Client()
        secret = f"xq7{number}"
        for path in (
            f"/{secret}/",
            f"{API}{secret}/",
            f"{API}accounts/{secret}/",
            f"/admin/{secret}/",
        ):
            client.get(path)
        client.generic(f"M{secret.upper()}", f"{API}health/")
        client.generic("GET", f"/%ff{secret}", headers={"traceparent": secret, "Host": secret})
        client.post(f"{API}oauth/token/", {"client_id": secret, "grant_type": secret})
        client.get(f"{API}health/", headers={"X-Request-ID": secret, "Accept": secret})

    send(0)
    before = reading()
    for number in range(1, 9):
        send(number)
    after = reading()
    assert set(after) == set(before)
    assert not [series for series in after if "xq7" in str(series).lower()]
    # An earlier test of this process may have sent such requests too.
    routes, old = (
        sums(taken, "bank_http_requests_total", "route", "method") for taken in (after, before)
    )
    assert routes[("/api/v1/health/", "other")] - old[("/api/v1/health/", "other")] == 8
    assert routes[("unknown", "GET")] - old[("unknown", "GET")] >= 8
