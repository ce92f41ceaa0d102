"""What the address of a caller counts as: one rule for all limits and lockouts."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

# An IPv6 host is given a whole network of this size.
_IPV6_NETWORK_BITS = 64


@lru_cache(maxsize=1024)
def counted_as(address: str) -> str:
    """One text for all addresses that one host has: what is no address is itself.

    An IPv4 address is itself, also where it is written as an IPv6 one (RFC 4291, section 2.5.5.2).
    Another IPv6 address is the first of its /64, without its zone.
    """
    try:
        parsed: IPv4Address | IPv6Address | None = ip_address(address.strip())
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or _first_of_network(parsed)
    return str(parsed)


def caller_of(request: HttpRequest) -> str:
    """What the address of the request counts as; "" where it has none, as behind a Unix socket."""
    return counted_as(request.META.get("REMOTE_ADDR", ""))


def axes_caller_of(request: HttpRequest) -> str | None:
    """AXES_CLIENT_IP_CALLABLE: the column of its tables takes addresses and NULL."""
    caller = caller_of(request)
    try:
        ip_address(caller)
    except ValueError:
        return None
    return caller


def _first_of_network(address: IPv6Address) -> IPv6Address:
    host_bits = 128 - _IPV6_NETWORK_BITS
    return IPv6Address(int(address) >> host_bits << host_bits)
