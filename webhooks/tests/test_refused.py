"""Attacks by URLs and name servers on services of the bank's own network, with real sockets.

Each URL of the first test reaches a service of this machine as soon as the rule is off: that is the
control of the refusal.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from webhooks.tests.receiver import receiver
from webhooks.transport import post

PRIVATE = "The host has an address that is not public."


@pytest.fixture
def service() -> Iterator[socket.socket]:
    """Of this machine, on all of its addresses."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=dual) as listening:
        yield listening


def was_reached(service: socket.socket, *, within: float) -> bool:
    service.settimeout(within)
    try:
        service.accept()[0].close()
    except (BlockingIOError, TimeoutError):
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1"),
        *("017700000001", "0177.0.0.1", "0177.0x0.1", "0", "00.0", "LOCALHOST"),
        *("localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        "[::]",
        "0.0.0.0",  # noqa: S104 - nothing listens there
    ],
)
def test_no_notation_reaches_this_machine(host: str, service: socket.socket, settings: Any) -> None:
    if host.startswith("[") and service.family != socket.AF_INET6:
        pytest.skip("This machine has no IPv6.")
    url = f"https://{host}:{service.getsockname()[1]}/"
    assert post(url, b"{}", {}).error == PRIVATE
    assert not was_reached(service, within=0)
    settings.WEBHOOKS_REACH_PRIVATE = True
    with ThreadPoolExecutor(1) as beside:
        # It hangs up at once, so that nobody waits for its TLS.
        reached = beside.submit(was_reached, service, within=5)
        assert post(url, b"{}", {}).status is None, "it speaks no TLS"
        assert reached.result(), "so it was the rule that refused it"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1.", "localhost.", "127.0.0.%31", "127.0.0.1%00", "[::1%25lo]", "127.0.0.1\\x"),
        *("user@127.0.0.1", "shop.example@127.0.0.1", "shop.example\\@127.0.0.1", "@127.0.0.1"),
        *("１２７.0.0.1", "127。0。0。1", "ⓛocalhost", "xn--a", "-", "127.0.0.1#"),
    ],
)
def test_nor_does_what_parsers_disagree_about(host: str, service: socket.socket) -> None:
    attempt = post(f"https://{host}:{service.getsockname()[1]}/", b"{}", {})
    assert attempt.status is None
    assert attempt.error.startswith(("The ", "This is not a URL"))
    assert not was_reached(service, within=0)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["10.1.2.3"],
        ["172.20.0.1"],
        ["192.168.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],  # noqa: S104 - nothing listens there
        ["224.0.0.1"],
        ["255.255.255.255"],
        ["fe80::1"],
        ["fd00:ec2::254"],
        ["ff02::1"],
        ["::"],
        ["2002:7f00:1::"],
        ["64:ff9b::a9fe:a9fe"],
        ["2001:0:7f00:1::f7f7:f7f7"],
    ],
    ids=" ".join,
)
def test_no_answer_of_a_name_server_leads_inside(
    answers: list[str], service: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = service.getsockname()[1]
    ask = socket.getaddrinfo

    def answer(host: Any, *words: Any, **more: Any) -> Any:
        if host != "shop.example":
            return ask(host, *words, **more)
        if more.get("flags"):
            raise socket.gaierror("This is a name.")
        return [
            (0, socket.SOCK_STREAM, 6, "", (one, port, 0, 0) if ":" in one else (one, port))
            for one in answers
        ]

    def connect(*words: Any, **_: Any) -> socket.socket:
        raise AssertionError(f"It connects to {words}.")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert post(f"https://shop.example:{port}/", b"{}", {}).error == PRIVATE
    assert not was_reached(service, within=0)


@pytest.mark.parametrize("port", [*range(0, 1024, 31), 443 + 65536, -1])
def test_no_port_of_another_service(port: int) -> None:
    """22, 25, 80, 110, 143 and all others below 1024 but 443."""
    attempt = post(f"https://8.8.8.8:{port}/", b"{}", {})
    assert attempt.error in ("The port must be 443, or 1024 and above.", "This is not a URL.")


def test_no_proxy_of_the_environment_is_used(
    settings: Any, service: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_REACH_PRIVATE = True
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{service.getsockname()[1]}")
    monkeypatch.setenv("no_proxy", "")
    with receiver() as got:
        assert post(got.url, b"{}", {}).status == 204
        assert len(got.messages) == 1
    assert not was_reached(service, within=0)
