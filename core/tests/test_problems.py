import json
import logging
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from core.errors import ERROR_KINDS, BankError, FieldError

pytestmark = pytest.mark.urls(__name__)

TRANSACTION_ID = UUID("0190163d-8694-739b-88a0-8da2e5e7e5a0")


class Raises(APIView):
    """Raises the test's exception, as any view could."""

    permission_classes = ()
    exc: Exception = RuntimeError()

    def get(self, request: Any) -> Response:
        raise self.exc

    post = get


class Protected(APIView):
    def get(self, request: Any) -> Response:
        return Response()


urlpatterns = [
    path("api/raises/", Raises.as_view()),
    path("api/protected/", Protected.as_view()),
]


@pytest.fixture
def client() -> APIClient:
    return APIClient(raise_request_exception=False, headers={"X-Request-ID": "test-1"})


@pytest.fixture
def answer(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., HttpResponse]:
    """The response to a client when a view raises the exception."""

    def get(exc: Exception, **extra: Any) -> HttpResponse:
        monkeypatch.setattr(Raises, "exc", exc)
        return client.get("/api/raises/", **extra)

    return get


def body_of(code: str, detail: str, **members: Any) -> dict[str, Any]:
    return {
        "type": f"urn:bank:problem:{code}",
        "title": ERROR_KINDS[code].title,
        "status": ERROR_KINDS[code].status,
        "detail": detail,
        "code": code,
        "retryable": ERROR_KINDS[code].retryable,
        "request_id": "test-1",
        **members,
    }


def assert_problem(response: HttpResponse, code: str, detail: str, **members: Any) -> None:
    assert json.loads(response.content) == body_of(code, detail, **members)
    assert response.status_code == ERROR_KINDS[code].status
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Request-ID"] == "test-1"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("code", ERROR_KINDS)
def test_every_code_of_the_table_is_answered_with_its_kind(
    code: str, answer: Callable[..., HttpResponse]
) -> None:
    error = type("Some", (BankError,), {"code": code})
    assert_problem(answer(error()), code, f"{ERROR_KINDS[code].title}.")
    told = error(
        "Because.", transaction_id=TRANSACTION_ID, errors=[FieldError("/amount", "wrong", "No.")]
    )
    assert_problem(
        answer(told),
        code,
        "Because.",
        transaction_id=str(TRANSACTION_ID),
        errors=[{"pointer": "/amount", "code": "wrong", "detail": "No."}],
    )


@pytest.mark.parametrize(
    ("exc", "code", "detail"),
    [
        (drf.ParseError("Broken."), "validation_error", "Broken."),
        (drf.PermissionDenied("Not you."), "permission_denied", "Not you."),
        (drf.NotFound("Account 5"), "not_found", "Not found."),
        (drf.MethodNotAllowed("PUT"), "method_not_allowed", 'Method "PUT" not allowed.'),
        (drf.UnsupportedMediaType("a/b", "Send JSON."), "unsupported_media_type", "Send JSON."),
        (drf.APIException("secret"), "internal_error", "Internal error."),
        (Http404("No Account matches"), "not_found", "Not found."),
        (PermissionDenied("why"), "permission_denied", "Not allowed."),
        (SuspiciousOperation("x"), "validation_error", "The request cannot be read."),
        (UnreadablePostError("x"), "validation_error", "The request cannot be read."),
        (RequestDataTooBig("x"), "payload_too_large", "The request is too large."),
    ],
)
def test_exceptions_of_the_frameworks_have_codes(
    exc: Exception, code: str, detail: str, answer: Callable[..., HttpResponse]
) -> None:
    assert_problem(answer(exc), code, detail)


@pytest.mark.parametrize(("wait", "seconds"), [(2.1, "3"), (0, "1"), (None, "1")])
def test_a_throttled_client_hears_when_to_come_back(
    wait: float | None, seconds: str, answer: Callable[..., HttpResponse]
) -> None:
    response = answer(drf.Throttled(wait))
    assert_problem(response, "throttled", f"Too many requests. Try again in {seconds} seconds.")
    assert response["Retry-After"] == seconds


@pytest.mark.parametrize(("given", "seconds"), [(None, "1"), (7, "7")])
def test_a_busy_bank_says_when_to_come_back(
    given: int | None, seconds: str, answer: Callable[..., HttpResponse]
) -> None:
    busy = type("Some", (BankError,), {"code": "busy"})
    assert answer(busy(retry_after_seconds=given))["Retry-After"] == seconds


def wrapped(cause: Exception) -> OperationalError:
    """The error as Django raises it."""
    error = OperationalError(*cause.args)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57014", "25P03"])
def test_contention_in_postgresql_is_busy(
    sqlstate: str, answer: Callable[..., HttpResponse]
) -> None:
    response = answer(wrapped(psycopg.errors.lookup(sqlstate)("row 5 of accounts")))
    assert_problem(response, "busy", "The database is busy. Nothing was done.")


def connect_to(port: int) -> psycopg.OperationalError:
    """The error of the driver. It waits for two seconds, the least that it takes."""
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(f"host=127.0.0.1 port={port} dbname=x user=x connect_timeout=2")
    return raised.value


def test_postgresql_out_of_reach_is_busy(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Raises, "exc", wrapped(connect_to(1)))
    response = client.post("/api/raises/")
    assert_problem(response, "busy", "The database cannot serve at present. Nothing was done.")


def test_postgresql_that_does_not_answer_is_busy(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing began without a connection, so the outcome of a write is known."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        error = connect_to(mute.getsockname()[1])
    assert isinstance(error, psycopg.errors.ConnectionTimeout)
    monkeypatch.setattr(Raises, "exc", wrapped(error))
    response = client.post("/api/raises/")
    assert_problem(response, "busy", "The database cannot serve at present. Nothing was done.")


def test_a_locked_sqlite_file_is_busy(tmp_path: Path, answer: Callable[..., HttpResponse]) -> None:
    first, second = (sqlite3.connect(tmp_path / "file", timeout=0) for _ in range(2))
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as raised:
        second.execute("BEGIN IMMEDIATE")
    first.close()
    second.close()
    response = answer(wrapped(raised.value))
    assert_problem(response, "busy", "The database is busy. Nothing was done.")


@pytest.mark.parametrize(
    "cause", [psycopg.errors.AdminShutdown("x"), psycopg.OperationalError("connection lost")]
)
def test_an_unknown_outcome_is_never_told_as_busy(
    cause: Exception, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Raises, "exc", wrapped(cause))
    response = client.post("/api/raises/")
    assert_problem(
        response,
        "outcome_unknown",
        "The connection to the database was lost. Whether anything was done is not known. With an"
        " Idempotency-Key, send the same again with the same key; without one, look in the history"
        " first: sent again, it would be done twice.",
    )
    assert "Retry-After" not in response


def test_a_read_that_lost_the_database_did_nothing(answer: Callable[..., HttpResponse]) -> None:
    response = answer(wrapped(psycopg.OperationalError("connection lost")))
    assert_problem(response, "busy", "The database is busy. Nothing was done.")


@pytest.mark.parametrize("sqlstate", ["25006", "53100", "53300", "57P03"])
def test_a_database_that_cannot_serve_is_busy(
    sqlstate: str, answer: Callable[..., HttpResponse]
) -> None:
    response = answer(wrapped(psycopg.errors.lookup(sqlstate)("no space")))
    assert_problem(response, "busy", "The database cannot serve at present. Nothing was done.")
    assert response["Retry-After"] == "1"


def test_another_error_of_the_database_is_internal(answer: Callable[..., HttpResponse]) -> None:
    response = answer(wrapped(psycopg.errors.UndefinedColumn("secret")))
    assert_problem(response, "internal_error", "Something went wrong here. It was logged.")


@pytest.fixture
def seen() -> Iterator[list[Any]]:
    """The request ids that error trackers receive."""
    heard: list[Any] = []

    def hear(request: Any, **kwargs: Any) -> None:
        heard.append(request.request_id)

    got_request_exception.connect(hear)
    yield heard
    got_request_exception.disconnect(hear)


@pytest.mark.parametrize("debug", [False, True])
def test_the_unexpected_is_logged_and_not_told(
    debug: bool,
    answer: Callable[..., HttpResponse],
    caplog: pytest.LogCaptureFixture,
    seen: list[Any],
    settings: Any,
) -> None:
    settings.DEBUG = debug
    problem = RuntimeError("password=hunter2")
    with caplog.at_level(logging.ERROR, logger="core.api.problems"):
        response = answer(problem)
    detail = "Something went wrong here. It was logged."
    assert_problem(response, "internal_error", detail)
    (record,) = [record for record in caplog.records if record.name == "core.api.problems"]
    assert record.exc_info is not None
    assert record.exc_info[1] is problem
    assert vars(record)["request_id"] == "test-1"
    assert seen == ["test-1"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "application/json"])
def test_an_error_is_problem_json_whatever_is_accepted(accept: str, client: APIClient) -> None:
    response = client.get("/api/raises/", headers={"Accept": accept})
    assert response["Content-Type"] == "application/problem+json"


def test_what_cannot_be_answered_is_406(client: APIClient) -> None:
    response = client.get("/api/protected/", headers={"Accept": "text/html"})
    detail = "Could not satisfy the request Accept header."
    assert_problem(response, "not_acceptable", detail)


def test_an_anonymous_caller_gets_a_challenge(client: APIClient) -> None:
    response = client.get("/api/protected/")
    detail = "Authentication credentials were not provided."
    assert_problem(response, "not_authenticated", detail)
    assert response["WWW-Authenticate"] == 'Bearer realm="bank"'


def test_another_method_is_405_and_hears_which_are_allowed(client: APIClient) -> None:
    response = client.delete("/api/raises/")
    assert_problem(response, "method_not_allowed", 'Method "DELETE" not allowed.')
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
