"""Requests with a bearer token skip the middleware for pages, and get the same responses."""

import logging
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from clients.models import ApiClient as RestClient
from tests.api import API, account_path, make_user
from tests.factories import make_account
from tests.identities import client_with, token_of
from tests.ways import SHORT

pytestmark = pytest.mark.django_db

_SHORT_WAY = "core.api.short_way.ShortWayMiddleware"
FOR_PAGES = settings.MIDDLEWARE[settings.MIDDLEWARE.index(_SHORT_WAY) + 1 :]
HOOKS = ("__call__", "process_view", "process_exception", "process_template_response")


def broken(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the database is away")


def crashing(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault")


urlpatterns = [
    path("api/broken/", broken),
    path("api/crashing/", crashing),
    path("", include("bankproject.urls")),
]


def test_the_middleware_for_pages_is_all_that_knows_of_cookies() -> None:
    assert {each.rpartition(".")[2] for each in FOR_PAGES} == {
        "WhiteNoiseMiddleware",
        "SessionMiddleware",
        "CsrfViewMiddleware",
        "AuthenticationMiddleware",
        "LostSessionMiddleware",
        "IdleTimeoutMiddleware",
        "OTPMiddleware",
        "MessageMiddleware",
        "XFrameOptionsMiddleware",
        "AxesMiddleware",
        "StaffTimeZoneMiddleware",
        "BusyPageMiddleware",
    }


def watch(patch: pytest.MonkeyPatch, middleware: Any, hook: str, entered: list[str]) -> None:
    original = getattr(middleware, hook)

    def watched(*arguments: Any, **named: Any) -> Any:
        entered.append(hook)
        return original(*arguments, **named)

    patch.setattr(middleware, hook, watched)


@pytest.mark.parametrize("name", FOR_PAGES)
def test_a_request_with_a_token_never_enters_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user, account = make_user("tessa", role="teller"), make_account()
    client = client_with(token_of(user))
    by_session = APIClient()
    by_session.force_login(user)
    entered: list[str] = []
    for hook in HOOKS:
        if hasattr(import_string(name), hook):
            watch(monkeypatch, import_string(name), hook, entered)
    assert client.post(account_path(account, "deposit"), {"amount": "1"}).status_code == 200
    assert client.get(account_path(account)).status_code == 200
    assert client.post(account_path(account, "deposit"), {"amount": "-1"}).status_code == 400
    assert client.get(f"{API}schema/").status_code == 200
    assert client.get(f"{API}swagger/").status_code == 200
    assert entered == []
    # The control: a request by session is seen.
    assert by_session.get(account_path(account)).status_code == 200
    assert "__call__" in entered


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic eDp5", "Bearerx y", "Token bearer x", "Digest Bearer x"]
)
def test_only_a_bearer_token_goes_the_short_way(
    authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[str] = []
    target = "django.contrib.sessions.middleware.SessionMiddleware.process_request"
    monkeypatch.setattr(target, lambda _, request: entered.append(request.path))
    # The other middleware for pages needs a session, and ends the request without one.
    client = Client(raise_request_exception=False)
    paths = [f"{API}health/", "/admin/login/"]
    for each in paths:
        client.get(each, headers={"Authorization": authorization} if authorization else {})
    assert entered == (paths[1:] if authorization == "Bearer" else paths)


def test_a_page_is_no_part_of_the_api_whatever_the_header() -> None:
    page = Client(headers=SHORT).get("/admin/login/")
    assert (page.status_code, page["X-Frame-Options"]) == (200, "DENY")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_counts_and_a_cookie_beside_it_does_not(
    scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    customer = make_user("ada")
    own, other = make_account(owner_id=customer.pk), make_account()
    token = token_of(customer)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("tessa", role="teller"))
    assert client.get(account_path(other)).status_code == 200
    headers = {"Authorization": f"{scheme} {token}"}
    with caplog.at_level(logging.INFO, logger="bank.request"):
        assert client.get(account_path(own), headers=headers).status_code == 200
        assert client.get(account_path(other), headers=headers).status_code == 404
    lines = [each.msg for each in caplog.records if each.name == "bank.request"]
    assert [(line["user"], line["client"]) for line in lines[-2:]] == [
        (customer.pk, RestClient.objects.get().client_id)
    ] * 2
    # It needs no CSRF token, because the cookie has no effect.
    body = {"amount": "1", "target_account_id": str(other.id)}
    refused = client.post(account_path(own, "transfer"), body, headers=headers)
    assert refused.json()["code"] == "insufficient_funds"
    bad = {"Authorization": f"{scheme} {'x' * 43}"}
    assert client.get(account_path(other), headers=bad).status_code == 401


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("headers", [{}, SHORT], ids=["by pages", "short"])
def test_a_database_failure_outside_of_the_framework_is_a_problem(headers: Any) -> None:
    response = Client(headers=headers).get("/api/broken/")
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("headers", [{}, SHORT], ids=["by pages", "short"])
def test_a_crash_outside_of_the_framework_is_a_problem_and_logged_once(
    headers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(headers=headers, raise_request_exception=False)
    with caplog.at_level(logging.INFO):
        response = client.get("/api/crashing/")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert response["Content-Type"] == "application/problem+json"
    lines = [each.msg for each in caplog.records if each.levelno >= logging.ERROR]
    assert [(line["event"], "exc_info" in line) for line in lines] == [
        ("request.crashed", True),
        ("request", False),
    ]
    assert lines[1]["route"] == "/api/crashing/"
