"""Receivers of webhooks on this machine: one that behaves, and sockets that do not."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

ADDRESS = "127.0.0.1"


class Receiver:
    """What it got, in `messages` (headers and body). `answers` are its next statuses, then 204."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[tuple[dict[str, str], str]] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """The events, each verified by the library of Standard Webhooks."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.messages]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.messages]


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], address: str = ADDRESS, port: int = 0
) -> Iterator[int]:
    """Runs a server for the block, in a thread. Yields its port."""
    server = ThreadingHTTPServer((address, port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def receiver(address: str = ADDRESS, port: int = 0) -> Iterator[Receiver]:
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.messages.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(got.answers.pop(0) if got.answers else 204)
            for name, value in got.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with serving(Handler, address, port) as chosen:
        got.url = f"http://{address}:{chosen}/hook"
        yield got


@contextmanager
def socket_that(
    behaves: Callable[[socket.socket], object], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server that takes connections, and treats each like this. Yields its URL."""
    listening = socket.create_server((ADDRESS, 0))

    def treat(connection: socket.socket) -> None:
        with suppress(OSError):
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                behaves(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=treat, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        scheme = "https" if tls else "http"
        yield f"{scheme}://localhost:{listening.getsockname()[1]}/hook"
    finally:
        # Wakes the thread that accepts.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def dripping(first: bytes, drop: bytes, *, every: float = 0.02) -> Callable[[socket.socket], None]:
    """Sends `first`, and then a drop again and again, for ever."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(first)
        while True:
            connection.sendall(drop)
            if every:
                time.sleep(every)

    return behave
