"""The trace of a request (W3C Trace Context): the caller's where it is well-formed, else ours."""

import logging
import re

import pytest
from django.test import Client

from core.api.request_id import trace_id_of
from tests.api import API

OURS = "0af7651916cd43dd8448eb211c80319c"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "sent",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-comes-later",
    ],
)
def test_a_well_formed_trace_is_taken_over(sent: str) -> None:
    assert trace_id_of(sent, OURS) == TRACE


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01more",
        f"00-{TRACE}-{PARENT}-01\n",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
        "00-" + "٤" * 32 + f"-{PARENT}-01",
    ],
)
def test_a_malformed_one_is_ignored(sent: str) -> None:
    assert trace_id_of(sent, OURS) == OURS
    assert re.fullmatch("[0-9a-f]{32}", trace_id_of(sent, "request-of-a-proxy"))


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"{API}accounts/", f"{API}nowhere/"])
def test_an_error_tells_the_trace_that_was_sent(path: str) -> None:
    answer = Client().get(path, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}).json()
    assert answer["trace_id"] == TRACE != answer["request_id"]
    for headers in ({}, {"traceparent": f"00-{TRACE}-{PARENT}-0"}, {"traceparent": "0"}):
        assert "trace_id" not in Client().get(path, headers=headers).json()


@pytest.mark.django_db
def test_the_log_has_the_callers_trace_and_our_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        response = Client().get(f"{API}health/", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        Client().get(f"{API}health/", headers={"traceparent": "x"})
    lines = [one.msg for one in caplog.records if one.name == "bank.request"]
    first, second = (line for line in lines if isinstance(line, dict))
    assert first["trace_id"] == TRACE != first["request_id"] == response["X-Request-ID"]
    assert second["trace_id"] == second["request_id"]
