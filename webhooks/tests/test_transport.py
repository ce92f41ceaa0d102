"""One request: whatever the other side does, it ends in time, and goes nowhere else."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from tests.http import free_port
from tests.mail_server import self_signed
from webhooks import addresses, transport
from webhooks.tests.receiver import dripping, receiver, socket_that
from webhooks.transport import post

LIMIT = 0.3
# A busy machine may take longer, but never as long as these servers hold on.
MOST = 8
OK = b"HTTP/1.1 200 OK\r\n"
TOO_MUCH = "The answer begins with too much text: HTTP limits lines and headers."


@pytest.fixture(autouse=True)
def _here(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_REACH_PRIVATE = True
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", LIMIT)


def read_request(connection: socket.socket) -> None:
    """Up to its body, or its end."""
    while (part := connection.recv(65536)) and not part.endswith(b"{}"):
        pass


def silence(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(2 * MOST)


@pytest.mark.parametrize(
    ("behaves", "status"),
    [
        (silence, None),
        (lambda _: time.sleep(2 * MOST), None),
        (dripping(b"", b"H"), None),
        (dripping(OK, b"A: b\r\n"), None),
        (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), None),
        (dripping(OK + b"Content-Length: 99999999\r\n\r\n", b"x"), 200),
        (dripping(OK + b"Connection: close\r\n\r\n", b"x"), 200),
        (dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), 200),
    ],
    ids=["silent", "mute", "status", "headers", "continue", "body", "close", "chunks"],
)
def test_a_slow_or_endless_answer_ends_in_time(
    behaves: Callable[[socket.socket], None], status: int | None
) -> None:
    threads = threading.active_count()
    with socket_that(behaves) as url:
        began = time.monotonic()
        attempt = post(url, b"{}", {})
        assert time.monotonic() - began < MOST
        assert attempt.status == status
        assert status or attempt.error == "No answer within 0.3 seconds."
        assert attempt.milliseconds >= LIMIT * 1000 - 20
        # The thread that sent has ended too, apart from those of this server.
        until = time.monotonic() + 5
        while any(one.name == "webhook" for one in threading.enumerate()):
            assert time.monotonic() < until, threads
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (OK + b"Content-Length: 900000000\r\n\r\n" + b"x" * 100_000, 200, ""),
        (OK + b"A: " + b"x" * 70_000, None, TOO_MUCH),
        (OK + b"A: b\r\n" * 200, None, TOO_MUCH),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None, "The answer is not HTTP."),
        (b"", None, "No answer: Remote end closed connection without response."),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (b"HTTP/1.1 500 Oh\r\n\r\n", 500, ""),
    ],
    ids=["huge", "long", "many", "ssh", "nothing", "ok", "broken"],
)
def test_only_the_status_counts(answer: bytes, status: int | None, error: str) -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    with socket_that(behave) as url:
        attempt = post(url, b"{}", {})
        assert (attempt.status, attempt.error[: len(error) or None]) == (status, error)
        assert attempt.is_success == (status in (200, 204))


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        OK + (b"A: " + b"x" * 60_000 + b"\r\n") * 3,
    ],
    ids=["continue", "headers"],
)
def test_a_flood_before_the_answer_ends_early(
    flood: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a limit each thread would read for ten seconds, as fast as it can."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", MOST)
    with socket_that(dripping(flood, flood, every=0)) as url:
        attempt = post(url, b"{}", {})
    assert attempt.error == TOO_MUCH


def test_nobody_listens() -> None:
    assert post(f"http://127.0.0.1:{free_port()}/", b"", {}).error.startswith("No answer: ")


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with receiver() as other, receiver() as first:
        first.headers = {"Location": other.url}
        for status in (301, 302, 303, 307, 308):
            first.answers = [status]
            attempt = post(f"{first.url}?a=b", b"{}", {"A": "b"})
            assert (attempt.status, attempt.is_success) == (status, False)
        assert (len(first.messages), other.messages) == (5, [])
        headers, body = first.messages[0]
        assert (headers["a"], body) == ("b", "{}")
        assert f"http://{headers['host']}/hook" == first.url


def test_it_connects_to_the_address_that_it_has_checked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name answers with a good address first, and with another one each time later."""
    settings.WEBHOOKS_REACH_PRIVATE = False
    good, bad = "127.0.0.2", "127.0.0.1"
    monkeypatch.setattr(addresses, "is_public", lambda one: one == IPv4Address(good))
    asked: list[str] = []
    ask = socket.getaddrinfo

    def rebinding(host: Any, *words: Any, **more: Any) -> Any:
        if host != "shop.example":
            return ask(host, *words, **more)
        if more.get("flags"):
            raise socket.gaierror("This is a name.")
        asked.append(host)
        return ask(good if len(asked) == 1 else bad, *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    got: list[str] = []

    def take(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            got.append(connection.getsockname()[0])
            connection.recv(65536)

    with socket.create_server((good, 0)) as there:
        port = there.getsockname()[1]
        with socket.create_server((bad, port)) as here:
            here.settimeout(LIMIT)
            taken = threading.Thread(target=take, args=(there,), daemon=True)
            taken.start()
            # It is no TLS, so the request fails, but where it went shows.
            assert post(f"https://shop.example:{port}/", b"{}", {}).status is None
            taken.join()
            with pytest.raises(TimeoutError):
                here.accept()
    assert (got, asked) == ([good], ["shop.example"])
    assert post(f"https://shop.example:{port}/", b"{}", {}).error == (
        "The host has an address that is not public."
    )


def test_a_name_server_that_hangs_is_waited_for_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what it says later sends nothing."""
    goes_on = threading.Event()
    with receiver() as got:
        ask = socket.getaddrinfo

        def late(*words: Any, **more: Any) -> Any:
            goes_on.wait(5)
            return ask(*words, **more)

        monkeypatch.setattr(socket, "getaddrinfo", late)
        attempt = post(got.url, b"{}", {})
        assert attempt.error == "No answer within 0.3 seconds."
        goes_on.set()
        (thread,) = [one for one in threading.enumerate() if one.name == "webhook"]
        thread.join(5)
        assert got.messages == []


@pytest.fixture
def hanging() -> Iterator[int]:
    """The port of 127.0.0.2, where nobody takes a connection, nor refuses one."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as listening, ExitStack() as queue:
        where = listening.getsockname()
        with suppress(TimeoutError):
            while True:
                queue.enter_context(socket.create_connection(where, LIMIT))
        yield where[1]


def test_an_address_that_hangs_leaves_time_for_the_next_one(
    hanging: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "resolved", lambda *_: ["127.0.0.2", "127.0.0.1"])
    with receiver(port=hanging) as got:
        assert post(got.url, b"{}", {}).status == 204
        assert len(got.messages) == 1


def test_a_name_with_many_addresses_keeps_no_thread(
    hanging: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt would leave a thread for ten seconds an address."""
    monkeypatch.setattr(transport, "resolved", lambda *_: ["127.0.0.2"] * 1000)
    assert post(f"http://localhost:{hanging}/", b"{}", {}).error == "No answer within 0.3 seconds."
    for thread in threading.enumerate():
        if thread.name == "webhook":
            thread.join(MOST)
            assert not thread.is_alive()


def test_the_certificate_must_be_trusted_and_name_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket_that(answer, tls) as url:
        assert post(url, b"{}", {}).error == "TLS failed: self-signed certificate."
        monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(certificate))
        transport._trust.cache_clear()
        try:
            assert post(url, b"{}", {}).status == 204
            other_name = url.replace("localhost", "127.0.0.1")
            error = "TLS failed: IP address mismatch, certificate is not valid for '127.0.0.1'."
            assert post(other_name, b"{}", {}).error == error
        finally:
            transport._trust.cache_clear()


@pytest.mark.parametrize("every", [0.02, 0])
def test_a_handshake_that_never_ends(every: float) -> None:
    with socket_that(dripping(b"\x16\x03\x03\x40\x00", b"\x00", every=every)) as url:
        began = time.monotonic()
        assert post(url.replace("http:", "https:"), b"{}", {}).status is None
        assert time.monotonic() - began < MOST
