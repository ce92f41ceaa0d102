"""A request that hangs ends with its worker; one that reports progress continues. What it loads."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.http import ask, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "docs" / "openapi.yaml"
TIMEOUT_SECONDS = 2
# `/pid/` returns the process id. `/speaks/` and `/hangs/` take long, with and without heartbeats.
# `/late/` says whether the request waited for more than 0.2 s; `/holds/` takes 0.6 s.
APPLICATION = """
import os, time
from core import overload
from core.heartbeat import heartbeat

overload.install(200)

def application(environ, start_response):
    path = environ["PATH_INFO"]
    names = ("wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO")
    environment = "|".join(environ[name] for name in names)
    answer = environment if path == "/environ/" else str(os.getpid())
    answer = str(overload.is_late()) if path == "/late/" else answer
    time.sleep(0.6 if path == "/holds/" else 0)
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    for _ in range(60 if path in ("/speaks/", "/hangs/") else 0):
        time.sleep(0.1)
        if path == "/speaks/":
            heartbeat()
    return [answer.encode()]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a server with one worker of two threads."""
    (tmp_path / "slow.py").write_text(APPLICATION)
    free = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config=python:bankproject.gunicorn_conf"]
    options = [
        f"--bind=127.0.0.1:{free}",
        f"--timeout={TIMEOUT_SECONDS}",
        "--workers=1",
        "--threads=2",
    ]
    place = [f"--pythonpath={ROOT},{tmp_path}", "--no-control-socket", "slow:application"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen([*command, *options, *place], cwd=ROOT, stderr=log) as server:
        try:
            yield free
        finally:
            server.terminate()
            server.wait(30)


def text_of(port: int, path: str) -> str:
    return ask("GET", f"http://127.0.0.1:{port}{path}").text


def served_by(port: int) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            return text_of(port, "/pid/")
        except OSError:  # The server is not up yet, or down for a moment.
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_hanging_request_is_ended_and_one_with_heartbeats_is_not(port: int) -> None:
    worker = served_by(port)
    # It lasts three time-outs.
    assert text_of(port, "/speaks/") == worker
    with pytest.raises((http.client.HTTPException, OSError)):
        text_of(port, "/hangs/")
    assert served_by(port) != worker


def test_a_request_is_late_if_all_threads_were_busy_and_only_then(port: int) -> None:
    served_by(port)
    assert text_of(port, "/late/") == "False"
    with ThreadPoolExecutor(2) as busy:
        held = [busy.submit(text_of, port, "/holds/") for _ in range(2)]
        time.sleep(0.1)
        late = text_of(port, "/late/")
        assert all(one.result() for one in held)
    assert (late, text_of(port, "/late/")) == ("True", "False")


def answer_to(port: int, sent: bytes) -> bytes:
    """All bytes that the server sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(sent)
        answer = b""
        while part := client.recv(10_000):
            answer += part
    return answer


FORWARDED = [
    b"SCRIPT_NAME: /pid",
    b"PATH_INFO: /nowhere/",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Ssl: on",
    b"X-Forwarded-Protocol: ssl",
]


@pytest.mark.parametrize("header", FORWARDED)
def test_no_header_changes_the_path_or_the_scheme(port: int, header: bytes) -> None:
    served_by(port)
    request = b"GET /environ/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n"
    head, _, body = answer_to(port, request % header).partition(b"\r\n\r\n")
    assert (head[:13], body) == (b"HTTP/1.1 200 ", b"http||/environ/")


NO_HTTP = [
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/9.9\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\n<script>: 1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
    (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: A\r\nidempotency-key: B\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 60 + b"\r\n", 431),
]


def test_what_is_no_http_is_a_problem_and_nothing_names_the_server(
    port: int, tmp_path: Path
) -> None:
    served_by(port)
    members = set(
        yaml.safe_load(SCHEMA.read_text())["components"]["schemas"]["Problem"]["required"]
    )
    for sent, status in NO_HTTP:
        answer = answer_to(port, sent)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), sent
        assert b"Content-Type: application/problem+json" in head
        assert b"gunicorn" not in answer.lower()
        assert b"<" not in body
        problem = json.loads(body)
        assert problem["status"] == status
        assert members <= problem.keys()
        assert f"X-Request-ID: {problem['request_id']}\r\n".encode() in head
        assert f"id {problem['request_id']}\n" in (tmp_path / "log").read_text()
    assert ask("GET", f"http://127.0.0.1:{port}/pid/").headers["Server"] == "bank"


def test_a_web_process_loads_no_library_of_documents_before_it_makes_one() -> None:
    load = (
        "import sys, django; django.setup(); import bankproject.urls\n"
        "print(*{'reportlab', 'xlsxwriter', 'qrcode', 'PIL', 'pyarrow'} & sys.modules.keys())"
    )
    found = subprocess.run(
        [sys.executable, "-c", load], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "\n"
