"""Errors of invalid requests, each with a pointer to its field."""

from typing import Any

import pytest
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from core.api.fields import MetadataField
from core.api.serializers import StrictSerializer
from core.tests.test_problems import assert_problem

pytestmark = pytest.mark.urls(__name__)


class Line(StrictSerializer):
    flag = serializers.BooleanField()


class Order(StrictSerializer):
    lines = Line(many=True)
    metadata = MetadataField(required=False)


class Validates(APIView):
    permission_classes = ()

    def get(self, request: Any) -> Response:
        Line(data={"page/size": 1, "flag": "x"}).is_valid(raise_exception=True)
        return Response()

    def post(self, request: Any) -> Response:
        serializer = Order(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


urlpatterns = [path("api/validates/", Validates.as_view())]


@pytest.fixture
def client() -> APIClient:
    return APIClient(headers={"X-Request-ID": "test-1"})


def test_another_media_type_is_415_and_is_never_markup(client: APIClient) -> None:
    response = client.post("/api/validates/", b"x", content_type="text/<script>")
    detail = 'Unsupported media type "text/<script>" in request.'
    assert_problem(response, "unsupported_media_type", detail)
    assert b"<" not in response.content


def test_errors_of_a_body_are_json_pointers(client: APIClient) -> None:
    data = {
        "lines": [{"flag": True}, {"flag": "no flag", "x": 2}, 5],
        "metadata": {"a/b~c": 1},
        "<b>": 0,
    }
    response = client.post("/api/validates/", data, format="json")
    unknown = "There is no such field."
    assert_problem(
        response,
        "validation_error",
        "The request is not valid; errors says why.",
        errors=[
            {"pointer": "/lines/1/flag", "code": "invalid", "detail": "Must be a valid boolean."},
            {"pointer": "/lines/1/x", "code": "unknown_field", "detail": unknown},
            {"pointer": "/lines/2", "code": "not_an_object", "detail": "An object is required."},
            {"pointer": "/metadata/a~1b~0c", "code": "invalid", "detail": "A text is required."},
            {"pointer": "/<b>", "code": "unknown_field", "detail": unknown},
        ],
    )
    assert b"<" not in response.content


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", {"pointer": "", "code": "not_an_object", "detail": "An object is required."}),
        (b"null", {"pointer": "", "code": "null", "detail": "No data provided"}),
        (b'{"lines": {}}', {"pointer": "/lines", "code": "not_a_list"}),
        (b"", {"pointer": "/lines", "code": "required", "detail": "This field is required."}),
    ],
)
def test_errors_of_a_whole_value_point_at_it(
    body: bytes, error: dict[str, str], client: APIClient
) -> None:
    response = client.post("/api/validates/", body, content_type="application/json")
    (told,) = response.json()["errors"]
    assert (response.status_code, {**told, **error}) == (400, told)


def test_errors_of_parameters_name_them(client: APIClient) -> None:
    errors = client.get("/api/validates/").json()["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("flag", "invalid"),
        ("page~1size", "unknown_field"),
    ]


def test_a_thousand_errors_are_told_by_the_first_hundred(client: APIClient) -> None:
    data = {"lines": [{"flag": "no flag"}] * 1_000}
    errors = client.post("/api/validates/", data, format="json").json()["errors"]
    assert [error["pointer"] for error in errors] == [f"/lines/{n}/flag" for n in range(100)]


def test_deep_nesting_and_long_bodies_are_answered(client: APIClient) -> None:
    post = client.post("/api/validates/", b"[" * 60_000, content_type="application/json")
    assert (post.status_code, post.json()["errors"][0]["code"]) == (400, "invalid_json")
    post = client.post("/api/validates/", b" " * 65_537, content_type="application/json")
    assert_problem(post, "payload_too_large", "The body is longer than 65536 bytes.")
