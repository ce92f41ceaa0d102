"""Checks every response against docs/openapi.yaml."""

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpResponse
from jsonschema import Draft4Validator, FormatChecker

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "openapi.yaml"
# The description does not describe its own routes.
_ABOUT = ("api/v1/schema/", "api/v1/swagger/")
_CONVERTER = re.compile(r"<\w+:(\w+)>")
_FORMATS = FormatChecker(["uuid"])


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def document() -> dict[str, Any]:
    """The committed description of the API."""
    return yaml.load(DOCUMENT.read_text(), Loader=yaml.CSafeLoader)


def check_answer(response: HttpResponse) -> None:
    """Fails unless the operation documents this status, media type and every member of the body.

    An unknown path or method is not an operation, and must get a problem.
    """
    request = response.wsgi_request  # type: ignore[attr-defined]
    route = _CONVERTER.sub(r"{\1}", response.resolver_match.route)  # type: ignore[attr-defined]
    method = "get" if request.method == "HEAD" else request.method.lower()
    operation = document()["paths"].get(f"/{route}", {}).get(method)
    if operation is None and route in _ABOUT and response.status_code == 200:
        return
    if operation is None:
        assert response.status_code in (401, 403, 404, 405, 406), (route, response.status_code)
        _check_body(response, {"$ref": "#/components/schemas/Problem"})
        return
    documented = operation["responses"]
    assert str(response.status_code) in documented, (route, method, response.status_code)
    content = documented[str(response.status_code)].get("content")
    if content is None:
        assert response.content == b""
        return
    media_type = response["Content-Type"].partition(";")[0]
    assert media_type in content, (route, method, response.status_code, media_type)
    if request.method != "HEAD" and media_type.endswith("json"):
        _check_body(response, content[media_type]["schema"])


def _check_body(response: HttpResponse, schema: dict[str, Any]) -> None:
    described = {**_as_json_schema(schema), "components": _components()}
    validator = Draft4Validator(described, format_checker=_FORMATS)
    body = response.json()  # type: ignore[attr-defined]
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    assert errors == []


@cache
def _components() -> dict[str, Any]:
    return {"schemas": _as_json_schema(document()["components"]["schemas"])}


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` is spelt out, undescribed members are forbidden."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {name: _as_json_schema(member) for name, member in node.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    if schema.pop("nullable", False) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema
