"""The schema that drf-spectacular generates, with our hook, for a small API in this file."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from drf_spectacular.validation import validate_schema
from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from rest_framework import serializers, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import (
    AmountInputField,
    AmountOutputField,
    CurrencyField,
    MetadataField,
    OffsetDateTimeField,
    StrictCharField,
    StrictUUIDField,
)
from core.api.pagination import KeysetPagination
from core.api.schema import add_problem_responses
from core.api.serializers import StrictSerializer
from core.errors import ERROR_KINDS


class Body(StrictSerializer):
    name = StrictCharField(max_length=10)
    amount = AmountInputField()
    currency = CurrencyField()
    metadata = MetadataField(required=False)
    flag = serializers.BooleanField()
    owner = StrictUUIDField(allow_null=True)
    at = OffsetDateTimeField()


class Shown(StrictSerializer):
    balance = AmountOutputField()


class Things(viewsets.ViewSet):
    pagination_class = KeysetPagination

    @extend_schema(
        responses=Shown(many=True),
        parameters=[OpenApiParameter("page_size", str, description="How many.")],
    )
    def list(self, request: Any) -> Response:
        raise NotImplementedError

    @extend_schema(
        request=Body,
        responses={201: Shown},
        extensions={"x-error-codes": ["insufficient_funds", "account_frozen", "account_closed"]},
    )
    def create(self, request: Any, thing_id: str) -> Response:
        raise NotImplementedError

    @extend_schema(request=Body, extensions={"x-error-codes": ["account_closed"]})
    def partial_update(self, request: Any, thing_id: str) -> Response:
        raise NotImplementedError


class Health(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(responses={200: Shown, 503: OpenApiResponse(Shown, description="Not ready.")})
    def get(self, request: Any) -> Response:
        raise NotImplementedError


THING_ID = [OpenApiParameter("thing_id", str, OpenApiParameter.PATH, description="Which.")]
urlpatterns = [
    path("api/v1/things/", Things.as_view({"get": "list"})),
    path(
        "api/v1/things/<str:thing_id>/",
        extend_schema(parameters=THING_ID)(Things).as_view(
            {"post": "create", "patch": "partial_update"}
        ),
    ),
    path("api/v1/health/", Health.as_view()),
]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    result = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    return json.loads(json.dumps(result))


def operation(schema: dict[str, Any], route: str, method: str) -> dict[str, Any]:
    return schema["paths"][f"/api/v1/{route}"][method]


def problems(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Status, code and example of each problem that the operation names."""
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/problem+json", {})
        for code, example in content.get("examples", {}).items():
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            yield status, code, example["value"]


def test_the_schema_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)


@pytest.mark.parametrize(
    ("route", "method", "expected"),
    [
        (
            "things/",
            "get",
            {
                "400": ["validation_error"],
                "401": ["not_authenticated"],
                "403": ["permission_denied"],
                "406": ["not_acceptable"],
                "414": ["uri_too_long"],
                "429": ["throttled"],
                # `Prefer: stale-ok`, as each list.
                "431": ["headers_too_large"],
                "500": ["internal_error"],
                "503": ["busy"],
            },
        ),
        (
            "things/{thing_id}/",
            "post",
            {
                "400": ["validation_error", "insufficient_funds"],
                "401": ["not_authenticated"],
                "403": ["permission_denied", "self_dealing"],
                "404": ["not_found"],
                "406": ["not_acceptable"],
                "409": ["account_frozen", "account_closed"],
                "413": ["payload_too_large"],
                "414": ["uri_too_long"],
                "415": ["unsupported_media_type"],
                "429": ["throttled"],
                "500": ["internal_error"],
                "503": ["busy", "outcome_unknown"],
            },
        ),
        (
            "health/",
            "get",
            {
                "406": ["not_acceptable"],
                "429": ["throttled"],
                "500": ["internal_error"],
                "503": ["busy"],
            },
        ),
    ],
)
def test_an_operation_names_its_problems(
    route: str, method: str, expected: dict[str, list[str]], schema: dict[str, Any]
) -> None:
    found: dict[str, list[str]] = {}
    for status, code, _ in problems(operation(schema, route, method)):
        found.setdefault(status, []).append(code)
    assert found == expected
    assert "x-error-codes" not in operation(schema, route, method)


def test_examples_are_problems_with_the_status_they_stand_under(schema: dict[str, Any]) -> None:
    validator = Draft4Validator({"$ref": "#/components/schemas/Problem", **schema})
    seen = set()
    for methods in schema["paths"].values():
        for each in methods.values():
            for status, code, example in problems(each):
                validator.validate(example)
                kind = ERROR_KINDS[code]
                assert (example["code"], example["status"], status) == (
                    code,
                    kind.status,
                    str(kind.status),
                )
                seen.add(code)
    assert len(seen) == 17


def test_an_example_shows_what_the_code_brings_along(schema: dict[str, Any]) -> None:
    post = {
        code: value for _, code, value in problems(operation(schema, "things/{thing_id}/", "post"))
    }
    assert post["validation_error"]["errors"][0]["pointer"] == "/amount"
    assert "transaction_id" in post["insufficient_funds"]
    assert "transaction_id" not in post["not_found"]
    assert "transaction_id" in post["account_closed"]
    patch = {
        code: value for _, code, value in problems(operation(schema, "things/{thing_id}/", "patch"))
    }
    assert "transaction_id" not in patch["account_closed"]
    listed = {code: value for _, code, value in problems(operation(schema, "things/", "get"))}
    assert listed["validation_error"]["errors"][0]["pointer"] == "page_size"


def test_responses_are_described_and_keep_what_they_had(schema: dict[str, Any]) -> None:
    ready = operation(schema, "health/", "get")["responses"]
    assert ready["503"]["description"] == "Not ready. `busy`: Busy, try again."
    assert set(ready["503"]["content"]) == {"application/json", "application/problem+json"}
    assert list(ready["503"]["headers"]) == ["Retry-After"]
    assert ready["200"]["description"] == "OK"
    post = operation(schema, "things/{thing_id}/", "post")["responses"]
    assert post["201"]["description"] == "Created"
    assert list(post["401"]["headers"]) == ["WWW-Authenticate"]
    assert list(post) == sorted(post)


def test_every_member_of_a_problem_is_described(schema: dict[str, Any]) -> None:
    for component in ("Problem", "ProblemError"):
        for member in schema["components"]["schemas"][component]["properties"].values():
            assert member["description"]
    codes = schema["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert codes == list(ERROR_KINDS)


def test_a_code_that_does_not_exist_is_an_error() -> None:
    result = {"paths": {"/x/": {"get": {"responses": {}, "x-error-codes": ["no_such_code"]}}}}
    with pytest.raises(ValueError, match="no_such_code"):
        add_problem_responses(result)


def test_fields_are_described_as_they_are_read(schema: dict[str, Any]) -> None:
    members = schema["components"]["schemas"]["BodyRequest"]["properties"]
    text, number = members["amount"]["oneOf"]
    assert (text["type"], number["type"]) == ("string", "number")
    assert members["amount"]["example"] == "250.00"
    assert members["currency"]["pattern"] == "^[A-Z]{3}$"
    assert members["metadata"]["maxProperties"] == 20
    assert (members["owner"]["format"], members["owner"]["nullable"]) == ("uuid", True)
    assert members["at"]["format"] == "date-time"
    assert (members["name"]["maxLength"], members["flag"]["type"]) == (10, "boolean")


def test_a_page_has_its_neighbours(schema: dict[str, Any]) -> None:
    page = schema["components"]["schemas"]["PaginatedShownList"]
    assert page["required"] == ["next", "previous", "results"]
    assert page["properties"]["next"]["nullable"] is True
    assert page["properties"]["results"]["items"] == {"$ref": "#/components/schemas/Shown"}
