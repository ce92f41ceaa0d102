"""The bank's gunicorn worker: a threaded worker that detects hung requests."""

import json
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from gunicorn import util
from gunicorn.http import message, wsgi
from gunicorn.http.errors import (
    ConfigurationProblem,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import ThreadWorker

from core import overload
from core.errors import ERROR_KINDS

# Hides the server's name; gunicorn has no option for that.
wsgi.SERVER = "bank"

# A repeated key would reach the bank as one, joined by a comma. gunicorn refuses a request that
# repeats one of these fields, but has no setting for the list.
message.RFC9110_5_3_SINGLETON_FIELDS |= {"IDEMPOTENCY-KEY"}


_OUR_FAULT = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)


def _problem(code: str, request_id: str) -> bytes:
    """A complete response for a code of `ERROR_KINDS`. The caller then closes the connection."""
    kind = ERROR_KINDS[code]
    members = {
        "type": f"urn:bank:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "The server could not read the request. Nothing was done.",
        "code": code,
        "retryable": kind.retryable,
        "request_id": request_id,
    }
    body = json.dumps(members).encode()
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n"
        f"Connection: close\r\nCache-Control: no-store\r\nX-Request-ID: {request_id}\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class WatchedThreadWorker(ThreadWorker):
    """Watched threads with keep-alive connections to clients.

    gunicorn ends a worker that is silent for its time-out. With threads it sees only the main loop,
    which never hangs. So this worker falls silent once a request has run for half of the time-out
    without a sign of life (`core.heartbeat`). A hung request ends, with its worker, after one and a
    half time-outs. gunicorn then replaces the worker.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # For each thread with a running request: the start of that, or its latest sign of life.
        self._alive_at: dict[int, float] = {}

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answers malformed HTTP requests with problem details (RFC 9457)."""
        if not isinstance(exc, ParseException) or isinstance(exc, _OUR_FAULT):
            super().handle_error(req, client, addr, exc)
            return
        code = "bad_request"
        if isinstance(exc, LimitRequestLine | LimitRequestHeaders):
            code = "uri_too_long" if isinstance(exc, LimitRequestLine) else "headers_too_large"
        request_id = token_hex(16)
        caller, what = (addr or ("",))[0], type(exc).__name__
        self.log.warning("Not an HTTP request, from %s: %s, id %s", caller, what, request_id)
        with suppress(OSError):
            util.write_nonblock(client, _problem(code, request_id))

    def enqueue_req(self, conn: Any) -> None:
        conn.asked_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        overload.note(conn.asked_at)
        return super().handle(conn)

    def beat(self) -> None:
        """Records progress of this thread's request."""
        self._alive_at[threading.get_ident()] = time.monotonic()

    def notify(self) -> None:
        now = time.monotonic()
        # `timeout` is half of the setting of that name; 0 watches nothing.
        if not self.timeout or now - min(list(self._alive_at.values()), default=now) < self.timeout:
            super().notify()

    def handle_request(self, req: Any, conn: Any) -> Any:
        self.beat()
        try:
            return super().handle_request(req, conn)
        finally:
            self._alive_at.pop(threading.get_ident(), None)
