"""Random rules with few prefixes and ranges of ports, for what a scan over a cell's list meets."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import strategies as st

from sim.classify.ruleset import Rule

BLOCKS = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32")
NETS = [*map(IPv4Network, BLOCKS)]
RANGES = st.sampled_from([(0, 65535), (0, 1023), (443, 443), (1000, 40000)])
PORTS = st.lists(RANGES, min_size=1, max_size=2, unique=True)
LISTS = st.lists(st.sampled_from(NETS), min_size=1, max_size=2, unique=True).map(tuple)
RULES = st.builds(
    lambda src, dst, sport, dport, protocols: Rule(
        src=src, dst=dst, sport=tuple(sport), dport=tuple(dport), protocols=protocols
    ),
    LISTS,
    LISTS,
    PORTS,
    PORTS,
    st.sampled_from([None, (6,), (17,), (1, 6)]),
)
