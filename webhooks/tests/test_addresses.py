"""Where a webhook may go: public addresses only, in every notation."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from webhooks.addresses import AddressRefused, is_public, parts_of, resolved

PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "0.1.2.3"),
    "0.0.0.0",  # noqa: S104 - nothing listens there
    *("172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("192.0.0.8", "192.0.0.171", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7"),
    *("203.0.113.9", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "ff0e::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1", "4000::1"),
    # Another address within: mapped, compatible, translated, 6to4, NAT64 and Teredo.
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1"),
    *("::ffff:0:7f00:1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "64:ff9b::7f00:1"),
    *("64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
    *("2001:0:808:808::f5ff:fffe", "2001:0:7f00:1::f7f7:f7f7"),
)
PUBLIC = (
    *("8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1"),
    *("2a00:1450::1", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"),
)


def test_public_addresses_are_told_from_all_others() -> None:
    assert [one for one in PRIVATE if is_public(ip_address(one))] == []
    assert [one for one in PUBLIC if not is_public(ip_address(one))] == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://shop.example/", "begin with https"),
        ("ftp://shop.example/", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("//shop.example/", "begin with https"),
        ("https://", "names no host"),
        ("https:///hook", "names no host"),
        ("https://[::1", "not a URL"),
        ("https://shop.example:x/", "not a URL"),
        ("https://shop.example:65536/", "not a URL"),
        ("https://user@shop.example/", "no user"),
        ("https://user:password@shop.example/", "no user"),
        ("https://shop.example/#part", "fragment"),
        ("https://shop.example/a b", "spaces"),
        ("https://shop.example/\r\nHost: x", "ASCII"),
        ("https://shöp.example/", "ASCII"),
        ("https://shop.example:0/", "port"),
        ("https://shop.example:22/", "port"),
        ("https://shop.example:25/", "port"),
        ("https://shop.example:80/", "port"),
        ("https://shop.example:1023/", "port"),
        # All of these are addresses of this machine or network, as C's own parser reads them.
        ("https://127.0.0.1/", "not public"),
        ("https://127.1/", "not public"),
        ("https://2130706433/", "not public"),
        ("https://0x7f.0.0.1/", "not public"),
        ("https://0177.0.0.1/", "not public"),
        ("https://0/", "not public"),
        ("https://[::1]:8443/", "not public"),
        ("https://[::ffff:127.0.0.1]/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
    ],
)
def test_a_url_is_refused_at_once(url: str, says: str) -> None:
    with pytest.raises(AddressRefused, match=says):
        parts_of(url)


def test_a_good_url_is_taken() -> None:
    for url in ("https://shop.example", "https://shop.example:8443/a?b=c", "https://8.8.8.8:443/"):
        assert parts_of(url).hostname


def test_every_address_of_a_name_must_be_public(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AddressRefused, match="not public"):
        resolved("localhost", 443)
    with pytest.raises(AddressRefused, match="not known"):
        resolved("a.name.that.is.invalid", 443)
    with pytest.raises(AddressRefused, match="not known"):
        resolved(f"{'a' * 64}.example", 443)

    def answers(*addresses: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    answers("8.8.8.8", "2606:2800:220:1::1")
    assert resolved("shop.example", 443) == ["8.8.8.8", "2606:2800:220:1::1"]
    for private in ("10.0.0.1", "fe80::1%eth0", "::ffff:127.0.0.1"):
        answers("8.8.8.8", private)
        with pytest.raises(AddressRefused, match="not public"):
            resolved("shop.example", 443)
    settings.WEBHOOKS_REACH_PRIVATE = True
    assert resolved("shop.example", 443) == ["8.8.8.8", "::ffff:127.0.0.1"]
    assert parts_of("http://localhost:80/").scheme == "http"
