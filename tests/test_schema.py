"""docs/openapi.yaml: generated from the code, complete, and served without other hosts.

tests/contract.py checks every response of every API test against it.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.templatetags.static import static
from drf_spectacular.validation import validate_schema

from core.errors import ERROR_KINDS
from tests.api import API, anonymous
from tests.contract import DOCUMENT, check_answer, document

Operation = dict[str, Any]
MONEY = {"accounts_open", "accounts_deposit", "accounts_withdraw", "accounts_transfer"}


def operations() -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _parameters(*, of_oauth: bool) -> Iterator[Any]:
    for path, method, operation in operations():
        if of_oauth or "/oauth/" not in path:
            yield pytest.param(path, method, operation, id=operation["operationId"])


_NAMES = ("path", "method", "operation")
each_operation = pytest.mark.parametrize(_NAMES, list(_parameters(of_oauth=True)))
# Errors of OAuth2 routes are those of RFC 6749, section 5.2.
each_operation_of_the_bank = pytest.mark.parametrize(_NAMES, list(_parameters(of_oauth=False)))


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The target of a $ref."""
    while "$ref" in node:
        target: Any = document()
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


@pytest.mark.sqlite  # PostgreSQL has other limits for the integers of models.
def test_the_committed_schema_is_the_generated_one() -> None:
    generated = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=generated)
    assert generated.getvalue() == DOCUMENT.read_text(), "make schema"


def test_the_schema_is_valid_openapi() -> None:
    validate_schema(document())
    assert document()["openapi"].startswith("3.")
    assert (document()["info"]["title"], document()["info"]["version"]) == ("Bank API", "1.0.0")


@each_operation
def test_an_operation_says_what_it_does(path: str, method: str, operation: Operation) -> None:
    for member in ("operationId", "summary", "description", "tags"):
        assert operation.get(member), member
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), parameter["name"]
    named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))
    for status, response in operation["responses"].items():
        assert response.get("description"), status


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert sorted(set(names)) == sorted(names)
    assert set(names) >= MONEY


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each property of each component that is an object; enumerations have none."""
    for name, schema in document()["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            yield f"{name}.{member}", described


def test_every_member_of_every_body_is_described() -> None:
    undescribed = [
        name
        for name, described in properties()
        if not described.get("description") and not resolved(described).get("description")
    ]
    assert undescribed == []


@each_operation
def test_an_id_in_a_path_is_a_uuid(path: str, method: str, operation: Operation) -> None:
    for parameter in operation.get("parameters", []):
        # Seals have numbers, and jobs have names.
        if parameter["in"] == "path" and parameter["name"] not in ("number", "job"):
            assert parameter["schema"] == {"type": "string", "format": "uuid"}


def _is_typed(schema: dict[str, Any]) -> bool:
    """Whether a generated client has a type for all of its content."""
    schema = resolved(schema)
    parts = [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, [])]
    if parts:
        return all(map(_is_typed, parts))
    if schema.get("type") == "array":
        return _is_typed(schema["items"])
    members = schema.get("properties") or schema.get("additionalProperties")
    return bool(members) if schema.get("type") == "object" else "type" in schema


@each_operation
def test_every_body_has_members_with_types(path: str, method: str, operation: Operation) -> None:
    """Otherwise a generated client returns untyped values that need a look at the bank."""
    for content in _contents(operation):
        for media_type, body in content.items():
            assert _is_typed(body["schema"]), media_type
            for name, member in resolved(body["schema"]).get("properties", {}).items():
                assert _is_typed(member), name


def _contents(operation: Operation) -> list[dict[str, Any]]:
    """The content of the request body and of each response, by media type."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [body.get("content", {}) for body in bodies]


@each_operation
def test_examples_stand_where_clients_look(path: str, method: str, operation: Operation) -> None:
    """In each request body and each response; no text shows a file of bytes."""
    for content in _contents(operation):
        for media_type, body in content.items():
            if resolved(body["schema"]).get("format") == "binary":
                continue
            has_example = "example" in body or body.get("examples")
            assert has_example or resolved(body["schema"]).get("example"), media_type


@each_operation_of_the_bank
def test_every_error_is_documented(path: str, method: str, operation: Operation) -> None:
    documented: dict[str, set[str]] = {}
    for status, response in operation["responses"].items():
        examples = response.get("content", {}).get("application/problem+json", {}).get("examples")
        for code in examples or {}:
            assert str(ERROR_KINDS[code].status) == status
            documented.setdefault(status, set()).add(code)
    assert documented.keys() >= {"406", "500", "503"}
    if operation.get("security") and {} not in operation["security"]:
        assert documented.keys() >= {"401", "403"}
    if "{" in path:
        assert "404" in documented
    if "requestBody" in operation:
        assert documented.keys() >= {"400", "413", "415"}
    if operation["operationId"] in MONEY - {"accounts_open"}:
        assert documented["409"] >= {"account_closed", "account_frozen"}
        assert "validation_error" in documented["400"]


def test_money_routes_document_their_refusals() -> None:
    by_name = {operation["operationId"]: operation for _, _, operation in operations()}
    for name, codes in (
        ("accounts_deposit", {"validation_error", "balance_limit"}),
        ("accounts_withdraw", {"validation_error", "insufficient_funds", "limit_exceeded"}),
        (
            "accounts_transfer",
            {
                "validation_error",
                "insufficient_funds",
                "limit_exceeded",
                "balance_limit",
                "same_account",
                "currency_mismatch",
            },
        ),
    ):
        content = by_name[name]["responses"]["400"]["content"]["application/problem+json"]
        assert content["examples"].keys() == codes


def test_the_schema_is_served_as_yaml_and_json() -> None:
    served = anonymous().get(f"{API}schema/")
    assert served.status_code == 200
    assert served["Content-Type"].startswith("application/vnd.oai.openapi")
    described = yaml.load(served.content, Loader=yaml.CSafeLoader)
    assert described["paths"].keys() == document()["paths"].keys()
    as_json = anonymous().get(f"{API}schema/", headers={"Accept": "application/json"})
    assert as_json.json()["paths"].keys() == document()["paths"].keys()
    if connection.vendor == "sqlite":
        assert described == document()


def test_swagger_loads_nothing_from_elsewhere() -> None:
    response = anonymous().get(f"{API}swagger/")
    page = response.content.decode()
    assert response["Content-Type"].startswith("text/html")
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assets = [url for url in loaded if url.startswith(static(""))]
    assert {url.rsplit(".", 1)[1] for url in assets} >= {"js", "css"}
    for url in assets:
        assert finders.find(url.removeprefix(static(""))), url
    assert [url for url in loaded if "//" in url] == []
    assert re.findall(r"""["'(]\s*(?:https?:)?//[\w.-]+""", page) == []
    (script,) = (url for url in loaded if url.startswith(f"{API}swagger/"))
    assert f"{API}schema/" in anonymous().get(script).content.decode()


def test_an_answer_that_is_not_as_described_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of tests/contract.py."""
    response = anonymous().get(f"{API}health/")
    check_answer(response)
    for body in ({"status": 1}, {"status": "ok", "more": 1}, {}, []):
        response.json = lambda body=body: body
        with pytest.raises(AssertionError):
            check_answer(response)
    response.json = lambda: {"status": "ok"}
    check_answer(response)
    for attribute, value in (("status_code", 418), ("headers", {"Content-Type": "text/html"})):
        with monkeypatch.context() as patch:
            patch.setattr(response, attribute, value)
            with pytest.raises(AssertionError):
                check_answer(response)
