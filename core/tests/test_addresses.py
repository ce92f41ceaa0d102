"""Normalised caller addresses."""

import pytest
from django.test import RequestFactory

from core.addresses import axes_caller_of, caller_of, counted_as


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_one_host_counts_as_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert caller_of(request) == counted
    is_address = "." in counted or ":" in counted
    assert axes_caller_of(request) == (counted if is_address else None)
