"""Every error in the table of codes, as a client gets it: always problem details, never a page."""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from rest_framework.test import APIClient

from accounts.views import AccountViewSet
from core.api.problems import CODE_BY_STATUS, problem_response
from core.errors import (
    ERROR_KINDS,
    FAILURES_BY_DECISION,
    REFUSALS,
    BankError,
    FieldError,
    MissingScope,
    Refusal,
    SelfDealing,
)
from statements.issuing import AccountsFailed
from tests.__main__ import PACKAGES
from tests.api import (
    ADDRESS,
    API,
    REQUEST_ID,
    ApiClient,
    account_path,
    anonymous,
    assert_problem,
    client_of,
    make_user,
    staff,
)
from tests.assertions import nothing_changes
from tests.contract import document
from tests.factories import make_account

ROOT = Path(__file__).resolve().parent.parent


def modules() -> Iterator[str]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if ".tests" not in found.name and ".migrations" not in found.name:
                yield found.name


def subclasses(base: type) -> Iterator[type]:
    for each in base.__subclasses__():
        yield each
        yield from subclasses(each)


def named_errors() -> set[type[BankError]]:
    """Every BankError of the project, wherever it is defined. Refusal is abstract."""
    for name in modules():
        if name not in ("bankproject.gunicorn", "bankproject.wsgi"):
            importlib.import_module(name)
    ours = {each for each in subclasses(BankError) if each.__module__.split(".")[0] in PACKAGES}
    return {each for each in ours if ".tests" not in each.__module__} - {Refusal}


def test_the_code_of_every_error_is_in_the_table() -> None:
    errors = named_errors()
    assert len(errors) >= 14
    for error in errors:
        assert error.code in ERROR_KINDS, error
        if error not in (AccountsFailed, MissingScope, SelfDealing):  # Their text has more detail.
            assert error().kind is ERROR_KINDS[error.code]
            assert str(error()) == f"{ERROR_KINDS[error.code].title}."


def test_every_refusal_can_be_read_back_by_its_code() -> None:
    refusals = {error for error in named_errors() if issubclass(error, Refusal)}
    assert set(REFUSALS.values()) == refusals
    assert all(code == refusal.code for code, refusal in REFUSALS.items())
    # These decisions of staff are stored as failures, and are never a response's error.
    assert not set(FAILURES_BY_DECISION) & ERROR_KINDS.keys()


def _imported(source: str) -> set[str | None]:
    nodes = ast.walk(ast.parse(source))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


def test_every_code_that_is_written_anywhere_is_in_the_table() -> None:
    """Calls that name a code literally: `problem_response("not_found", ...)`."""
    found: set[str] = set()
    for name in modules():
        path = ROOT / Path(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if "core.api.problems" not in (name, *_imported(text := path.read_text())):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                code = node.args[0]
                if node.func.id in ("problem_response", "Problem") and isinstance(
                    code, ast.Constant
                ):
                    found.add(code.value)
    assert found
    assert found <= ERROR_KINDS.keys()
    assert set(CODE_BY_STATUS.values()) <= ERROR_KINDS.keys()
    assert all(ERROR_KINDS[code].status == status for status, code in CODE_BY_STATUS.items())


@pytest.mark.parametrize("code", ERROR_KINDS)
def test_every_code_is_answered_as_a_problem(code: str) -> None:
    request = HttpRequest()
    request.request_id = REQUEST_ID  # type: ignore[attr-defined]
    error = FieldError("/a~1b", "wrong", "<b>No</b>")
    response = problem_response(code, "", request, errors=[error])
    kind = ERROR_KINDS[code]
    assert json.loads(response.content) == {
        "type": f"urn:bank:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": f"{kind.title}.",
        "code": code,
        "retryable": kind.retryable,
        "request_id": REQUEST_ID,
        "errors": [{"pointer": "/a~1b", "code": "wrong", "detail": "<b>No</b>"}],
    }
    assert b"<" not in response.content
    assert response.status_code == kind.status
    assert response["Content-Type"] == "application/problem+json"
    # If it may be done already, the response does not ask for a repeat.
    says_when = kind.status in (429, 503) and kind.retryable
    assert ("Retry-After" in response) == says_when
    assert code in document()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]


@pytest.fixture(params=[False, True], ids=["production", "debug"])
def debug(request: Any, settings: Any) -> bool:
    settings.DEBUG = request.param
    return bool(request.param)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v2/accounts/", f"{API}accounts", f"{API}x/%3Cscript%3E"]
)
def test_an_unknown_path_is_a_problem(debug: bool, path: str) -> None:
    for client in (anonymous(), staff("supervisor")):
        for method in ("get", "post", "put", "patch", "delete", "options"):
            response = getattr(client, method)(path, headers={"Accept": "text/html"})
            assert_problem(response, "not_found", "Not found.")
            assert b"<" not in response.content


@pytest.mark.django_db
def test_a_crash_in_a_view_is_a_problem_without_a_trace(
    debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(AccountViewSet, "list", crash)
    client = staff("supervisor")
    client.raise_request_exception = False
    response = client.get(f"{API}accounts/", headers={"Accept": "text/html, */*"})
    assert_problem(response, "internal_error", "Something went wrong here. It was logged.")
    assert b"hunter2" not in response.content


@pytest.mark.django_db
def test_a_crash_outside_of_the_views_is_a_problem_too(
    debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_request", crash
    )
    client = anonymous()
    client.raise_request_exception = False
    response = client.get(f"{API}accounts/")
    assert_problem(response, "internal_error", "Internal error.")
    assert b"hunter2" not in response.content


@pytest.mark.django_db
def test_a_session_without_a_csrf_token_is_refused(debug: bool) -> None:
    client = ApiClient(
        enforce_csrf_checks=True, REMOTE_ADDR=ADDRESS, headers={"X-Request-ID": REQUEST_ID}
    )
    client.force_login(make_user("teller", role="teller"))
    account = make_account(balance=3)
    with nothing_changes():
        response = client.post(account_path(account, "deposit"), {"amount": "5"})
    detail = "CSRF Failed: CSRF cookie not set."
    assert_problem(response, "permission_denied", detail)
    assert client.get(account_path(account)).status_code == 200


def test_a_host_that_is_not_ours_is_a_problem(debug: bool) -> None:
    # Not checked against the schema, because the refusal comes before any operation.
    client = APIClient(headers={"X-Request-ID": REQUEST_ID, "Host": "evil.example"})
    response = client.get(f"{API}health/")
    assert_problem(response, "validation_error", "The request is not valid.")


def operations() -> Iterator[tuple[str, set[str]]]:
    """Each path of the schema, with a placeholder for its id, and its methods."""
    for template, methods in document()["paths"].items():
        if "/oauth/" in template:
            continue
        path = re.sub(r"\{\w+_id\}", "{id}", template).replace("{number}", "1")
        yield path, {method.upper() for method in methods}


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "allowed"), list(operations()))
def test_another_method_is_405_and_says_which_are_allowed(path: str, allowed: set[str]) -> None:
    account = make_account(balance=3)
    path = path.replace("{id}", str(account.id))
    client = staff("supervisor")
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
        with nothing_changes():
            response = client.generic(method, path)
        assert_problem(response, "method_not_allowed", f'Method "{method}" not allowed.')
        named = {word.strip() for word in response["Allow"].split(",")}
        assert named - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", "application/*+x"])
def test_another_representation_is_406(accept: str) -> None:
    account = make_account(balance=3)
    client = staff("supervisor")
    for method, path, body in (
        ("get", f"{API}accounts/", None),
        ("get", f"{API}health/", None),
        ("post", account_path(account, "deposit"), {"amount": "5"}),
    ):
        with nothing_changes():
            response = getattr(client, method)(path, body, headers={"Accept": accept})
        detail = "Could not satisfy the request Accept header."
        assert_problem(response, "not_acceptable", detail)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content_type", "named"),
    [
        ("text/plain", "text/plain"),
        ("application/xml", "application/xml"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x"),
        ("text/<script>", "text/<script>"),
    ],
)
def test_another_media_type_is_415(content_type: str, named: str) -> None:
    account = make_account(balance=3)
    path = account_path(account, "deposit")
    client = staff("supervisor")
    with nothing_changes():
        response = client.generic("POST", path, b'{"amount": "5"}', content_type=content_type)
    detail = f'Unsupported media type "{named}" in request.'
    assert_problem(response, "unsupported_media_type", detail)
    assert b"<" not in response.content


@pytest.mark.django_db
def test_head_is_get_without_a_body() -> None:
    account = make_account(balance=3)
    response = staff("supervisor").head(account_path(account))
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.django_db
def test_an_error_keeps_the_request_id_it_was_sent_and_gives_one_if_there_is_none() -> None:
    response = ApiClient().get(f"{API}accounts/")
    assert response.json()["request_id"] == response["X-Request-ID"] != ""
    response = client_of(make_user("ada")).get(f"{API}nothing/")
    assert response.json()["request_id"] == response["X-Request-ID"] == REQUEST_ID
    response = ApiClient(headers={"X-Request-ID": "<b>"}).get(f"{API}nothing/")
    assert response["X-Request-ID"] != "<b>"


def test_nothing_under_api_is_left_to_djangos_pages() -> None:
    """Patterns of our own match every path."""
    for path in ("/api/", "/api/x", "/api//", f"{API}accounts/../x"):
        assert resolve(path)
    with pytest.raises(Resolver404):
        resolve("/apis/")
