"""The metrics of workers that no web server started, on a port of their own."""

import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from core.metrics.answer import answer_to


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10  # In seconds, for a caller who sends nothing.
    server_version, sys_version = "bank", ""

    def address_string(self) -> str:
        return str(self.client_address[0])  # Without asking for its name.

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Logs nothing: a scraper comes every few seconds."""


class _ServerOnIpv6(_Server):
    address_family = socket.AF_INET6


def start(host: str, port: int) -> int:
    """Answers /metrics there from now on, in a thread; returns the port. Raises OSError."""
    kind = _ServerOnIpv6 if ":" in host else _Server
    server = kind((host, port), _Handler)
    server.set_app(_answer)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_address[1])


def _answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    try:
        response = answer_to(WSGIRequest(environ)) or HttpResponse("Not found.\n", status=404)
    except DisallowedHost:
        response = HttpResponse("Not this name.\n", status=400)
    headers = [(name, str(value)) for name, value in response.items()]
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else response.content]
