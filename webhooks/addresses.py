"""Which addresses a webhook may reach: public ones only, whatever a name resolves to.

A URL comes from a program. Without this rule it could make the bank call services of its own
network: the database, a proxy, the metadata of a cloud.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

MOST_URL_CHARACTERS = 500
_PORTS = {"https": 443, "http": 80}
# Below, ports belong to other services: a mail server must not get the bank's requests.
_FIRST_FREE_PORT = 1024

_GLOBAL_IPV6 = IPv6Network("2000::/3")
_DOCUMENTATION = IPv6Network("3fff::/20")
_NAT64 = IPv6Network("64:ff9b::/96")
# Not public, or services of a cloud's own hosts, though Python's list has them as global.
_FURTHER_IPV4 = tuple(map(ip_network, ("192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24")))
_NOT_PUBLIC = "The host has an address that is not public."


class AddressRefused(Exception):
    """The bank does not connect there. The message is a sentence."""


def parts_of(url: str) -> SplitResult:
    """The parts of a URL that a webhook may have. Raises AddressRefused. Asks no name server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is not a URL.") from None
    anywhere = settings.WEBHOOKS_REACH_PRIVATE
    if parts.scheme not in (("https", "http") if anywhere else ("https",)):
        raise AddressRefused("The URL must begin with https://.")
    if not parts.hostname:
        raise AddressRefused("The URL names no host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The URL must have no user and no password.")
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused("The URL must be of ASCII characters, without spaces and fragment.")
    if port == 0 or not (anywhere or port in (None, 443) or port >= _FIRST_FREE_PORT):
        raise AddressRefused("The port must be 443, or 1024 and above.")
    if not anywhere:
        _refuse_private_number(parts.hostname)
    return parts


def port_of(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _refuse_private_number(host: str) -> None:
    """Refuses a host that is an address itself, in any notation. Names are refused later."""
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    for one in found:
        _refuse_private(str(one[4][0]))


def _refuse_private(address: str) -> None:
    if not is_public(ip_address(address.partition("%")[0])):
        raise AddressRefused(_NOT_PUBLIC)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anyone on the Internet could reach it. An address within an address counts too."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not (address.is_multicast or address.is_reserved)
            and not any(address in network for network in _FURTHER_IPV4)
        )
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if any(one is not None for one in inner):
        return all(is_public(one) for one in inner if one is not None)
    return address in _GLOBAL_IPV6 and address.is_global and address not in _DOCUMENTATION


def resolved(host: str, port: int) -> list[str]:
    """The addresses of the host, to connect to. All of them must be public.

    The caller connects to these very addresses, so a name that resolves differently the next time
    changes nothing. Raises AddressRefused.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("The name of the host is not known.") from None
    addresses = [str(one[4][0]) for one in found]
    if not settings.WEBHOOKS_REACH_PRIVATE:
        for one in addresses:
            _refuse_private(one)
    return addresses
