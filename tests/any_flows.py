"""Random headers about random worlds, and a packet for every pair of endpoints."""

from __future__ import annotations

from hypothesis import strategies as st

from fabric.building.network import Network
from sim.packets.headers import Flow

EDGES = [0, 1, 2**32 - 1, 2**64, 2**128 - 1]
KNOWN_V4 = [0x0A000001, 0x0A000002, 0x0A000009, 0x0A010003, 0x08080808, 0x0A000080]
KNOWN_V6 = [(0xFD00 << 112) | low for low in (0, 1, 2, 2**64)]


def flows(network: Network) -> st.SearchStrategy[Flow]:
    """Headers about the world's own addresses, and some about nothing it knows."""
    v4 = st.sampled_from(KNOWN_V4) | st.integers(0, 2**32 - 1)
    v6 = st.sampled_from(KNOWN_V6 + EDGES) | st.integers(0, 2**128 - 1)
    ends = st.tuples(st.just(4), v4, v4) | st.tuples(st.just(6), v6, v6)
    ends |= st.tuples(st.sampled_from([0, 5, 255]), v4, v4)
    port = st.sampled_from([0, 79, 80, 81, 82, 1023, 1024, 65535])
    return st.builds(
        lambda vrf, end, protocol, sport, dport, src: Flow(
            vrf, *end, protocol, sport, dport, src, 100, 3
        ),
        st.integers(-1, len(network.vrfs)),
        ends,
        st.sampled_from([1, 6, 17, 132, 255]),
        port,
        port,
        st.sampled_from([-1, -1, -1, *range(len(network.endpoints) + 1)]),
    )


def own(network: Network) -> list[Flow]:
    """Every endpoint to every endpoint, so that most packets have a route."""
    return [
        Flow(a.vrf, p.version, int(p[0]), int(q[-1]), 6, 2000, dport)
        for a in network.endpoints
        for b in network.endpoints
        for p in a.prefixes
        for q in b.prefixes
        for dport in (80, 443)
        if p.version == q.version
    ]
