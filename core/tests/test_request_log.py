"""One line for each request: who, what, how it ended; none of its content."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings as bank_settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from clients.models import ApiClient as RestClient
from core import logs
from core.request_log import RequestLogMiddleware
from tests.api import ADDRESS, API, account_path, client_of, make_user
from tests.factories import make_account
from tests.identities import client_with, token_of

pytestmark = pytest.mark.django_db

_VARYING = ("at", "milliseconds", "trace_id")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """The lines about requests so far, without the varying members."""
    caplog.set_level(logging.INFO)

    def read() -> list[dict[str, Any]]:
        found = [record.msg for record in caplog.records if record.name == "bank.request"]
        return [
            {name: value for name, value in line.items() if name not in _VARYING}
            for line in found
            if isinstance(line, dict)
        ]

    return read


def line(**members: Any) -> dict[str, Any]:
    return {
        "event": "request",
        "logger": "bank.request",
        "level": "info",
        "address": "127.0.0.1",
        "request_id": "r-1",
        "user": None,
        **members,
    }


def test_a_line_names_user_client_route_and_status(lines: Any) -> None:
    user, account = make_user("tessa", role="teller"), make_account()
    client = client_with(token_of(user))
    headers = {"X-Request-ID": "r-1"}
    client.get(account_path(account, "balance"), headers=headers)
    client.post(account_path(account, "deposit"), {"amount": "1"}, headers=headers)
    client.post(account_path(account, "freeze"), {"reason": "x"}, headers=headers)
    route = "/api/v1/accounts/<id:account_id>"
    who = {"user": user.pk, "client": RestClient.objects.get().client_id}
    assert lines() == [
        line(method="GET", route=f"{route}/balance/", status=200, **who),
        line(method="POST", route=f"{route}/deposit/", status=200, **who),
        line(method="POST", route=f"{route}/freeze/", status=403, **who),
    ]


def test_a_session_has_no_client_and_strangers_have_neither(lines: Any) -> None:
    user, headers = make_user("tessa", role="teller"), {"X-Request-ID": "r-1"}
    client_of(user).get(f"{API}accounts/", headers=headers)
    Client().get(f"{API}accounts/", headers=headers)
    client_with("x" * 43).get(f"{API}accounts/", headers=headers)
    Client().get(f"{API}health/", headers=headers)
    listed = {"method": "GET", "route": "/api/v1/accounts/"}
    assert lines() == [
        line(**listed, status=200, user=user.pk, client=None, address=ADDRESS),
        line(**listed, status=401, client=None),
        line(**listed, status=401, client=None),
        line(method="GET", route="/api/v1/health/", status=200, client=None),
    ]


def test_what_is_no_route_is_not_quoted(lines: Any) -> None:
    Client().get("/nowhere/4111111111111111/?pan=4111111111111111")
    Client().generic("G3T\\n", f"{API}health/")
    assert [(one["method"], one["route"], one["status"]) for one in lines()] == [
        ("GET", "unknown", 404),
        ("other", "/api/v1/health/", 405),
    ]


def test_nothing_that_was_sent_is_in_any_line(caplog: pytest.LogCaptureFixture) -> None:
    account, user = make_account(balance="5"), make_user("tessa", role="teller")
    token = token_of(user)
    client = client_with(token)
    secret = "Xq7sekrit"
    with caplog.at_level(logging.INFO):
        for path, body in (
            (account_path(account, "deposit"), {"amount": "1", "description": secret}),
            (account_path(account, "withdraw"), {"amount": "900", "description": secret}),
            (account_path(account, "deposit"), {"amount": secret}),
            (f"{API}accounts/", {"name": secret, "metadata": {secret: secret}}),
            (f"{API}accounts/", {"name": "Ada", "owner": secret}),
        ):
            client.post(path, body, headers={"Idempotency-Key": f"key-{secret}"})
        client.post(f"{API}accounts/?x={secret}", f'{{"{secret}', content_type="application/json")
        client.get(f"{API}accounts/?search={secret}&cursor={secret}")
        client.get(f"{API}{secret}/", headers={"Cookie": f"sessionid={secret}", secret: secret})
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert len(caplog.records) >= 8
    for hidden in (secret, token, str(account.id), account.number):
        assert hidden not in text


@pytest.mark.parametrize("place", ["a middleware", "a page of the admin", "a view of the API"])
def test_a_crash_is_an_error_with_its_traceback_once(
    place: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("broken in the middle")

    target = {
        "a middleware": "django.contrib.sessions.middleware.SessionMiddleware.process_request",
        "a page of the admin": "staff.forms.LoginForm.__init__",
        "a view of the API": "accounts.views.AccountViewSet.list",
    }[place]
    client = client_of(make_user("tessa", role="teller"))
    client.raise_request_exception = False
    monkeypatch.setattr(target, crash)
    path = f"{API}accounts/" if "API" in place else "/admin/login/"
    if place == "a page of the admin":
        client.logout()
    with caplog.at_level(logging.INFO):
        assert client.get(path).status_code == 500
    traces = [
        record
        for record in caplog.records
        if "broken in the middle" in str(record.exc_info or record.msg)
    ]
    assert [record.levelname for record in traces] == ["ERROR"]
    lines = [record.msg for record in caplog.records if record.name == "bank.request"]
    assert [each["level"] for each in lines if each["event"] == "request"] == ["error"]


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, "INFO"), (404, "INFO"), (429, "INFO"), (500, "ERROR"), (502, "ERROR"), (503, "WARNING")],
)
def test_no_failure_of_the_bank_is_only_information(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    request = RequestFactory().get("/")
    request.request_id = "r-1"  # type: ignore[attr-defined]
    with caplog.at_level(logging.INFO):
        RequestLogMiddleware(lambda _: HttpResponse(status=status))(request)
    assert [record.levelname for record in caplog.records] == [level]


def write_to(stream: io.StringIO, *, as_json: bool, level: str = "INFO") -> None:
    logs.configure({"as_json": as_json, "level": level})
    (handler,) = (
        each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler
    )
    handler.setStream(stream)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The standard error stream of a production bank."""
    stream = io.StringIO()
    write_to(stream, as_json=True)
    yield stream
    logs.configure(bank_settings.LOGGING)


def test_lines_are_json_ours_and_the_libraries_alike(written: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-9"):
        structlog.get_logger("bank").warning("Ours", amount="1.00")
        logging.getLogger("some.library").warning("Theirs, %s", "two\nlines")
        try:
            raise RuntimeError("broken")
        except RuntimeError:
            logging.getLogger("some.library").exception("Failed")
    logging.getLogger("some.library").debug("Not at this level")
    ours, theirs, failed = map(json.loads, written.getvalue().splitlines())
    assert ours.pop("at") <= theirs.pop("at") <= failed.pop("at")
    assert ours == {
        "event": "Ours",
        "amount": "1.00",
        "logger": "bank",
        "level": "warning",
        "request_id": "r-9",
    }
    assert theirs == {
        "event": "Theirs, two\nlines",
        "logger": "some.library",
        "level": "warning",
        "request_id": "r-9",
    }
    assert "RuntimeError: broken" in failed["exception"]


def test_no_log_level_shows_what_libraries_say_of_tokens(written: io.StringIO) -> None:
    logs.configure({"as_json": True, "level": "DEBUG"})
    assert logging.getLogger("oauthlib.oauth2").getEffectiveLevel() == logging.WARNING


def test_the_line_of_a_request_is_written_whole_and_others_carry_its_id(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(*_: object) -> None:
        logging.getLogger("some.library").warning("Looked up")

    monkeypatch.setattr("core.api.middleware.caller_of", lookup)
    Client().get(f"{API}health/", headers={"X-Request-ID": "r-1"})
    during, request = map(json.loads, written.getvalue().splitlines())
    assert during["trace_id"] == request.pop("trace_id")
    assert (during["event"], during["request_id"]) == ("Looked up", "r-1")
    assert isinstance(request.pop("milliseconds"), float)
    assert during["at"] <= request.pop("at")
    route = {"method": "GET", "route": "/api/v1/health/", "status": 200, "client": None}
    assert request == line(**route)


def test_the_line_of_a_request_is_readable_on_a_terminal(written: io.StringIO) -> None:
    write_to(written, as_json=False)
    Client().get(f"{API}health/")
    text = re.sub(r"\x1b\[\d*m", "", written.getvalue())
    assert re.match(r"\[info +\] request +\[bank\.request\] .*status=200", text)


def test_no_line_of_a_request_is_written_above_its_level(written: io.StringIO) -> None:
    write_to(written, as_json=True, level="WARNING")
    Client().get(f"{API}health/")
    assert written.getvalue() == ""
    logging.getLogger("bank.request").warning("But this is")
    assert "But this is" in written.getvalue()
