"""Requests that waited too long for a thread: which are refused, and how. Times are made up."""

from collections.abc import Iterator

import pytest
from django.test import Client

from core import overload
from core.overload import Overload

LIMIT = 1.0


@pytest.fixture
def begun() -> Overload:
    return Overload(LIMIT, now=0.0)


def test_a_burst_may_wait_for_the_whole_limit(begun: Overload) -> None:
    assert not begun.is_too_long(1.0, now=1.0)
    assert begun.is_too_long(1.001, now=1.0)


def test_in_a_standing_queue_a_quarter_of_it_is_the_limit(begun: Overload) -> None:
    assert not begun.is_too_long(0.25, now=1.1)
    assert begun.is_too_long(0.26, now=1.1)


def test_an_empty_queue_ends_that(begun: Overload) -> None:
    assert begun.is_too_long(0.9, now=5.0)
    assert not begun.is_too_long(0.02 - 1e-9, now=5.1)
    assert not begun.is_too_long(0.9, now=6.1)
    assert begun.is_too_long(0.9, now=6.2)


@pytest.fixture
def late() -> Iterator[None]:
    """The thread of the test has a request that waited for a minute."""
    overload.install(1000)
    overload.note(-60.0)
    yield
    overload.install(0)
    overload._thread.is_late = False


@pytest.mark.usefixtures("late")
def test_a_late_request_is_refused_at_once(client: Client) -> None:
    answer = client.post("/api/v1/accounts/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer["Retry-After"] == "1"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Length"] == str(len(answer.content))
    # A request for the probe or the console of the same thread is answered.
    assert client.get("/api/v1/health/").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("late")
def test_a_late_page_of_the_console_is_served(client: Client) -> None:
    assert client.get("/admin/login/").status_code == 200


def test_without_a_server_nothing_is_late(client: Client) -> None:
    overload.note(-60.0)
    assert not overload.is_late()
