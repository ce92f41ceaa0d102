"""JSON of responses, problems and log lines."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from core.api.negotiation import Negotiation
from core.api.renderers import BankJSONRenderer, json_response
from core.json_bytes import encoder, json_bytes

VALUES: list[Any] = [
    {},
    [],
    None,
    "",
    {"amount": "1.00", "empty": None, "flag": True, "inner": [{"n": 9}]},
    "Miete für März — ß 💶 <b>&\"\\'/\u2028\u2029\x00\x1f\x7f\n\t",
    -1,
    2**63,
    10**30,
    UUID(int=7),
    datetime(2026, 1, 31, 12, 0, 0, 123000, UTC),
    ErrorDetail("A text", code="invalid"),
    {"errors": [ErrorDetail("A text", code="invalid")]},
    ReturnDict({"a": 1}, serializer=None),
    ReturnList([1, 2], serializer=None),
    (1, 2),
    gettext_lazy("later"),
    {"a": ReturnList((1, 2), serializer=None)},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_responses_are_those_of_the_framework_to_the_byte(value: Any) -> None:
    expected = JSONRenderer().render(value, "application/json", {})
    assert BankJSONRenderer().render(value, "application/json", {}) == expected


@pytest.mark.parametrize("accept", ["application/json", "application/json; indent=4"])
def test_a_response_without_a_template_is_the_same(accept: str) -> None:
    request = Request(APIRequestFactory().get("/", headers={"Accept": accept}))
    renderer, media_type = Negotiation().select_renderer(request, [BankJSONRenderer()])
    request.accepted_renderer, request.accepted_media_type = renderer, media_type
    data, headers = {"a": ["\u2028", None]}, {"Location": "/x/"}
    made = []
    for response in (
        Response(data, 202, headers=headers),
        json_response(request, data, 202, headers),
    ):
        if isinstance(response, Response):
            response.accepted_renderer, response.accepted_media_type = renderer, media_type
            response.renderer_context = {}
            response.render()
        made.append((response.status_code, dict(response.headers), response.content))
    assert made[0] == made[1]


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, {"a": "x\ud800\u2028"}, {None: 1}])
def test_what_the_fast_encoder_refuses_is_encoded_all_the_same(value: Any) -> None:
    assert json.loads(json_bytes(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "value",
    [UUID(int=7), Decimal("1.10"), datetime(2026, 1, 31, 12, 0, 0, 123456, UTC), {Decimal("1.10")}],
    ids=repr,
)
@pytest.mark.parametrize("default", [None, repr], ids=repr)
def test_a_refused_text_changes_nothing_beside_it(value: Any, default: Any) -> None:
    encode = encoder(default=default)
    assert json.loads(encode(["\ud800", value])) == ["\ud800", json.loads(encode(value))]


def test_a_decimal_is_text_with_its_digits() -> None:
    """The framework makes a float of it."""
    assert json_bytes(Decimal("1.10")) == b'"1.10"'


def test_an_unknown_type_needs_a_default() -> None:
    with pytest.raises(TypeError, match="No JSON for object"):
        json_bytes({"a": object()})
    assert encoder(default=lambda _: "unknown")({"a": object()}) == b'{"a":"unknown"}'
