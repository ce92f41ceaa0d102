import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_protect

from core.api.middleware import current_request_id
from tests.ways import BY_PAGES, SHORT, both_ways

pytestmark = pytest.mark.urls(__name__)


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret")


def echo_id(request: Any) -> HttpResponse:
    return JsonResponse({"request": request.request_id, "context": current_request_id.get()})


def not_ready(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "no"}, status=503)


def only_get(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotAllowed(["GET"])


def teapot(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>No</h1>", status=418)


urlpatterns = [
    path("api/crash/", crash),
    path("api/id/", echo_id),
    path("api/not_ready/", not_ready),
    path("api/only_get/", only_get),
    path("api/teapot/", teapot),
    path("api/csrf/", csrf_protect(echo_id)),
    path("api/cached/", cache_control(max_age=60)(echo_id)),
    path("pages/crash/", crash),
    path("pages/id/", echo_id),
]


@pytest.fixture(params=[BY_PAGES, SHORT], ids=["by pages", "short"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True, headers=request.param)


@pytest.mark.parametrize("sent", ["a", "A.b_c-9", "x" * 64])
def test_a_well_formed_request_id_is_kept(sent: str, client: Client) -> None:
    response = client.get("/api/id/", headers={"X-Request-ID": sent})
    assert response["X-Request-ID"] == sent
    assert response.json() == {"request": sent, "context": sent}
    assert current_request_id.get() == ""


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\n", "<b>", "é", "a;b", "../x%"])
def test_any_other_request_id_is_replaced(sent: str, client: Client) -> None:
    response = client.get("/pages/id/", headers={"X-Request-ID": sent})
    made = response["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert response.json() == {"request": made, "context": made}


def test_each_request_gets_its_own_id(client: Client) -> None:
    assert client.get("/api/id/")["X-Request-ID"] != client.get("/api/id/")["X-Request-ID"]


def problem(response: Any) -> tuple[int, str, str]:
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert body["request_id"] == response["X-Request-ID"]
    assert (body["status"], body["type"]) == (
        response.status_code,
        f"urn:bank:problem:{body['code']}",
    )
    return response.status_code, body["code"], body["detail"]


@pytest.mark.parametrize("debug", [False, True])
def test_pages_of_errors_become_problems_under_api(
    debug: bool, client: Client, settings: Any
) -> None:
    settings.DEBUG = debug
    assert problem(client.get("/api/unknown/")) == (404, "not_found", "Not found.")
    assert problem(client.get("/api/crash/")) == (500, "internal_error", "Internal error.")
    csrf = problem(client.post("/api/csrf/"))
    assert csrf == (403, "permission_denied", "Not allowed.")
    host = problem(client.get("/api/id/", headers={"Host": "evil.example"}))
    assert host == (400, "validation_error", "The request is not valid.")
    other = problem(client.get("/api/teapot/"))
    assert other == (400, "validation_error", "The request is not valid.")


def test_a_method_that_django_refuses_keeps_its_allow_header(client: Client) -> None:
    response = client.get("/api/only_get/")
    assert problem(response) == (405, "method_not_allowed", "Method not allowed.")
    assert response["Allow"] == "GET"


def test_an_answer_in_json_stays_as_it_is(client: Client) -> None:
    response = client.get("/api/not_ready/")
    assert (response.status_code, response.json()) == (503, {"status": "no"})


def test_only_answers_under_api_are_kept_from_caches(client: Client) -> None:
    assert client.get("/api/id/")["Cache-Control"] == "no-store"
    assert client.get("/api/cached/")["Cache-Control"] == "max-age=60"
    assert "Cache-Control" not in client.get("/pages/id/").headers


def test_pages_elsewhere_stay_pages(client: Client) -> None:
    response = client.get("/pages/crash/")
    assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_a_chunked_body_is_refused_since_django_would_drop_it(client: Client) -> None:
    response = client.generic("POST", "/api/id/", headers={"Transfer-Encoding": "chunked"})
    detail = "A body must be sent with its Content-Length, not chunked."
    assert problem(response) == (400, "validation_error", detail)
    assert response.json()["errors"][0]["code"] == "length_required"


@both_ways
def test_a_caller_does_not_choose_the_id_that_the_audit_trail_keeps(
    way: dict[str, str], settings: Any
) -> None:
    """Without our own proxy, only the caller can have set the header."""
    settings.TRUSTS_REQUEST_IDS = False
    response = Client(headers={"X-Request-ID": "chosen"} | way).get("/api/id/")
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])
