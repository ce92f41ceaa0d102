"""Normalised caller addresses: one rule for all limits and lockouts."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

# An IPv6 host usually owns a whole network of this prefix length.
_IPV6_NETWORK_BITS = 64


Address = IPv4Address | IPv6Address


@lru_cache(maxsize=1024)
def stored_address(address: str) -> Address:
    """The address as bulk inserts take it; a list of commands has one address."""
    return ip_address(address)


@lru_cache(maxsize=1024)
def counted_as(address: str) -> str:
    """One text for all addresses of a host. A text that is not an address is returned unchanged.

    An IPv4 address stays as it is; an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) becomes
    IPv4. Any other IPv6 address becomes the first of its /64, without its zone.
    """
    try:
        parsed: IPv4Address | IPv6Address | None = ip_address(address.strip())
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or _first_of_network(parsed)
    return str(parsed)


def caller_of(request: HttpRequest) -> str:
    """The normalised address of the request; "" if it has none, as behind a Unix socket."""
    return counted_as(request.META.get("REMOTE_ADDR", ""))


def axes_caller_of(request: HttpRequest) -> str | None:
    """AXES_CLIENT_IP_CALLABLE: as `caller_of`, but None unless it is an address, as axes needs."""
    caller = caller_of(request)
    try:
        ip_address(caller)
    except ValueError:
        return None
    return caller


def _first_of_network(address: IPv6Address) -> IPv6Address:
    host_bits = 128 - _IPV6_NETWORK_BITS
    return IPv6Address(int(address) >> host_bits << host_bits)
