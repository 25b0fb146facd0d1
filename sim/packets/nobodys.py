"""Addresses that no host sends from, and among them those that no kernel passes on.

Source: RFC 6890 and RFC 4291; of Linux `ip_route_input_slow` (net/ipv4/route.c), `ip6_rcv_core`
(net/ipv6/ip6_input.c) and `ip6_forward` (net/ipv6/ip6_output.c).
"""

from __future__ import annotations

from fabric.values.interval_sets import Intervals

NOBODYS: dict[int, Intervals] = {
    4: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    6: ((0, (0x2000 << 112) - 1), (0xFE80 << 112, (1 << 128) - 1)),
}
"""What no host sends from: this network, loopback and multicast; ::/3, link-local and multicast."""
UNROUTED: dict[int, Intervals] = {
    4: ((0, 0), (127 << 24, (128 << 24) - 1), (224 << 24, (240 << 24) - 1), ((1 << 32) - 1,) * 2),
    6: (
        (0, 1),
        (0xFFFF << 32, (0x10000 << 32) - 1),
        (0xFE80 << 112, (0xFEC0 << 112) - 1),
        (0xFF00 << 112, (1 << 128) - 1),
    ),
}
"""What a router drops from or to: no address, loopback, multicast, broadcast, link-local, and IPv4
written as IPv6."""
