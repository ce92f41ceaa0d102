"""Hostile requests over a real socket to a real gunicorn: refused, and the worker survives."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.http import free_port
from tests.scratch import ROOT, Bank, migrated_bank

SECONDS = 60
HEALTH = b"GET /api/v1/health/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Server:
    """gunicorn with one worker, so the attacked worker is the one that responds next."""

    def __init__(self, port: int, bearer: str) -> None:
        self.port = port
        self.authorization = f"Authorization: Bearer {bearer}"

    def send(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of the response to exactly these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connected:
            connected.sendall(raw)
            received = b""
            while part := connected.recv(65536):
                received += part
        head, _, body = received.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        pairs = (each.partition(": ") for each in rest)
        headers = {name.lower(): value for name, _, value in pairs}
        if headers.get("transfer-encoding") == "chunked":
            body = _unchunked(body)
        return int(first.split()[1]), headers, body

    def post(self, body: bytes, *headers: str, path: str = "/api/v1/accounts/") -> Any:
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def post_json(self, body: bytes, *headers: str) -> Any:
        return self.post(
            body,
            self.authorization,
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
        )

    def lives(self) -> bool:
        status, _, body = self.send(HEALTH)
        return (status, body) == (200, b'{"status":"ok"}')


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        whole, body = whole + body[:length], body[length + 2 :]
    return whole


def _token(bank: Bank) -> str:
    code, output = bank.manage(
        "shell",
        "--no-imports",
        "--command",
        "from django.contrib.auth.models import Group, User\n"
        "from clients.registry import create_client, issue_token\n"
        "from clients.scopes import SCOPES\n"
        "user = User.objects.create_user('tessa', is_staff=True)\n"
        "user.groups.add(Group.objects.get(name='teller'))\n"
        "client, _ = create_client('Till', user=user, scopes=list(SCOPES))\n"
        "print('token', issue_token(client))",
    )
    assert code == 0, output
    return output.rpartition("token ")[2].strip()


@pytest.fixture(scope="module")
def server(
    django_db_setup: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bank")
    port = free_port()
    with django_db_blocker.unblock(), migrated_bank(folder) as bank:
        connection.close()
        bank.environment["DJANGO_SECRET_KEY"] = "pZ8-tR4vK1mW7yB3nQ9xC5sD2fG6hJ0aL_eUiOwYbVcXzAq"
        bearer = _token(bank)
        environment = bank.environment | {"PORT": str(port), "WEB_CONCURRENCY": "1"}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:bankproject.gunicorn_conf"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log)
        try:
            running = Server(port, bearer)
            _wait_for(running, process, folder / "log")
            yield running
            assert process.poll() is None
            text = (folder / "log").read_text("utf-8")
            assert bearer not in text
            assert "Traceback" not in text
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.lives():
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture(autouse=True)
def _it_lives_on(server: Server) -> Iterator[None]:
    yield
    assert server.lives()


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    told = json.loads(body)
    assert told["status"] == status
    for internal in ("Traceback", "site-packages", "django", os.sep + "work", "File "):
        assert internal not in body.decode()
    return status, told["code"]


def test_a_good_request_is_answered(server: Server) -> None:
    assert server.post_json(b'{"name": "Ada Lovelace"}')[0] == 201


@pytest.mark.parametrize(
    ("length", "code"), [(64 * 1024, (400, "validation_error")), (64 * 1024 + 1, None)]
)
def test_a_body_has_64_kilobytes(server: Server, length: int, code: Any) -> None:
    body = b'{"name": "' + b"x" * (length - 12) + b'"}'
    assert len(body) == length
    assert problem(server.post_json(body)) == (code or (413, "payload_too_large"))


def test_a_body_that_says_it_is_enormous_is_not_waited_for(server: Server) -> None:
    # A server that waited for the body would never respond.
    answer = server.post(
        b"{",
        server.authorization,
        "Content-Type: application/json",
        "Content-Length: 99999999999",
    )
    assert problem(answer) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"[" * 1000 + b"]" * 1000, [], (400, "validation_error")),
        (b'{"a":' * 30_000, [], (413, "payload_too_large")),
        (b'{"a":' * 10_000, [], (400, "validation_error")),
        (b"\xef\xbb\xbf{}", [], (400, "validation_error")),
        (b'{"name": "\xff"}', [], (400, "validation_error")),
        (b'{"name": "\xed\xa0\x80"}', [], (400, "validation_error")),
        (b"\x1f\x8b\x08", ["Content-Encoding: gzip"], (415, "unsupported_media_type")),
        (b"{}", ["Content-Encoding: br"], (415, "unsupported_media_type")),
    ],
)
def test_what_is_no_plain_json_is_refused(
    server: Server, body: bytes, headers: list[str], expected: tuple[int, str]
) -> None:
    assert problem(server.post_json(body, *headers)) == expected


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/jsonp",
        "*/*",
        "nonsense",
    ],
)
def test_another_media_type_is_refused(server: Server, media_type: str) -> None:
    answer = server.post(
        b"{}", server.authorization, f"Content-Type: {media_type}", "Content-Length: 2"
    )
    assert problem(answer) == (415, "unsupported_media_type")


def test_a_chunked_body_is_refused(server: Server) -> None:
    answer = server.post(
        b"2\r\n{}\r\n0\r\n\r\n",
        server.authorization,
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    )
    assert problem(answer) == (400, "validation_error")


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 2", "Content-Length: 4"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Content-Length: -1"],
        ["Content-Length: 2x"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        [f"X-{number}: 1" for number in range(60)],
        ["X-Long: " + "x" * 9000],
        ["Idempotency-Key : blank-before-the-colon"],
        ["X_Forwarded_For: 1.2.3.4\x00"],
    ],
    ids=lambda headers: headers[0][:24],
)
def test_requests_that_proxies_could_read_differently_are_refused(
    server: Server, headers: list[str]
) -> None:
    """gunicorn refuses them and closes the connection, so no second request hides in the first."""
    smuggled = b"{}GET /api/v1/accounts/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = server.post(smuggled, server.authorization, "Content-Type: application/json", *headers)
    assert answer[0] in (400, 415, 431)
    assert b"results" not in answer[2]


def test_an_endless_path_is_refused(server: Server) -> None:
    path = "/api/v1/" + "a" * 8000
    assert server.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())[0] in (400, 414)


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil", "localhost:x", "", "[::1"])
def test_a_host_that_is_not_ours_is_refused(server: Server, host: str) -> None:
    raw = f"GET /api/v1/swagger/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert server.send(raw.encode())[0] == 400


def test_links_never_name_a_forwarded_host(server: Server) -> None:
    for header in ("X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"):
        status, headers, _ = server.post_json(b'{"name": "Ada"}', header)
        assert status == 201
        assert headers["location"].startswith("http://localhost/api/v1/accounts/")


def test_a_client_that_disconnects_costs_nothing(server: Server) -> None:
    head = f"POST /api/v1/accounts/ HTTP/1.1\r\nHost: localhost\r\n{server.authorization}\r\n"
    for sent in (b"GET /api", head.encode(), head.encode() + b"Content-Length: 50\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connected:
            connected.sendall(sent)
    assert server.lives()
