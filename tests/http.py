"""HTTP for tests: a free port, requests to a server, and the wait until it is ready.

Each request has its own connection. Only the standard library is used.
"""

import http.client
import json
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 60
START_SECONDS = 120


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Answer:
    """A response. The names of `headers` are case-insensitive."""

    status: int
    text: str
    headers: Message

    @cached_property
    def body(self) -> Any:
        """The JSON. Raises json.JSONDecodeError."""
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        """The error's code, None for a success."""
        return self.body.get("code") if self.status >= 400 else None

    @property
    def replayed(self) -> bool:
        return bool(self.headers["Idempotent-Replayed"] == "true")


@contextmanager
def sent(
    method: str,
    url: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[http.client.HTTPConnection]:
    """The connection, after sending the request. Bytes are sent unchanged, anything else as JSON.

    Raises OSError if nothing listens.
    """
    parts = urllib.parse.urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    all_headers = {"Accept": "application/json", "Connection": "close"} | dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        all_headers = {"Content-Type": "application/json"} | all_headers
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=timeout_seconds
    )
    try:
        connection.request(method, path, body, all_headers)
        yield connection
    finally:
        connection.close()


def ask(method: str, url: str, *words: Any, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """The response to one request; `words` are body and headers, as in `sent`.

    Raises OSError or http.client.HTTPException without a response.
    """
    with (
        sent(method, url, *words, timeout_seconds=timeout_seconds) as connection,
        connection.getresponse() as response,
    ):
        return Answer(response.status, response.read().decode(), response.headers)


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and body. Status 0 without a response."""
    return _status_and_text(lambda: ask("GET", url, None, headers))


def post(url: str, body: Any, **headers: str) -> tuple[int, str]:
    """As `get`, with a JSON body."""
    return _status_and_text(lambda: ask("POST", url, body, headers))


def post_form(url: str, form: Mapping[str, str], **headers: str) -> tuple[int, str]:
    """As `get`, with a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    data = urllib.parse.urlencode(form).encode()
    return _status_and_text(lambda: ask("POST", url, data, headers))


def _status_and_text(asked: Callable[[], Answer]) -> tuple[int, str]:
    try:
        answer = asked()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    return answer.status, answer.text


def wait_until_ready(
    port: int, server: subprocess.Popen[bytes], log: Path, *, seconds: float = START_SECONDS
) -> None:
    """Returns when the bank is ready. Raises RuntimeError, with the log, if it exits before."""
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        if get(f"http://127.0.0.1:{port}/api/v1/health/ready/")[0] == 200:
            return
        time.sleep(0.1)
    raise RuntimeError(f"The bank does not serve:\n{log.read_text()[-4000:]}")
