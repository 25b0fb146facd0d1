"""Addresses and prefixes are read as `ipaddress` reads them, and told as it tells them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fabric.checks.values import unfit
from fabric.values import ip

PIECES = st.sampled_from(
    ["10", "0", "255", "256", "01", ".", ":", "::", "fe80", "/", "8", "%e", ""]
)
WRITTEN = st.lists(PIECES, max_size=9).map("".join)
ADDRESSES = st.ip_addresses().map(str)
TEXTS = st.one_of(
    WRITTEN, ADDRESSES, st.tuples(ADDRESSES, st.integers(0, 128)).map("{0[0]}/{0[1]}".format)
)


def outcome(read: Callable[[str], Any], text: str) -> Any:
    """What comes of a text: a value, or the error in words."""
    try:
        return read(text)
    except ValueError as error:
        return str(error)


@given(TEXTS)
def test_texts_are_read_as_the_library_reads_them(text: str) -> None:
    assert outcome(ip.address, text) == outcome(ip_address, text)
    assert outcome(ip.prefix, text) == outcome(ip_network, text)
    assert outcome(ip.canonical_address, text) == outcome(lambda t: str(ip_address(t)), text)
    assert outcome(ip.canonical_prefix, text) == outcome(lambda t: str(ip_network(t)), text)


@given(st.ip_addresses())
def test_nobody_can_be_reached_where_the_library_says_so(found: IPv4Address | IPv6Address) -> None:
    kinds = found.is_multicast, found.is_unspecified, found.is_loopback, found.is_link_local
    special = found.version == 4 and (found.is_reserved or found < IPv4Address("1.0.0.0"))
    assert (unfit(found) is not None) == (any(kinds) or special)
