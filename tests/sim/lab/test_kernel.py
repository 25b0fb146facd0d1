"""What the kernel is asked for, without one."""

from __future__ import annotations

from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest

from sim.lab.kernel import Spaces
from sim.lab.layout import Hop, RouteLine


@pytest.mark.parametrize("prefix", ["10.0.0.0/24", "fd00::/64"])
def test_next_hops_take_their_shares_of_the_load(prefix: str) -> None:
    """The kernel counts from 0: `hops` is one less than a weight (rtnetlink(7), rtnh_hops)."""
    asked: list[dict[str, Any]] = []
    spaces = Spaces()
    spaces._sockets["n"] = SimpleNamespace(
        link_lookup=lambda ifname: [int(ifname.removeprefix("up"))],
        route=lambda _, **how: asked.append(how),
        close=lambda: None,
    )
    hops = [Hop(f"up{n}", f"fe80::{n}", weight) for n, weight in ((1, 1), (2, 4), (3, 10))]
    with spaces:
        for some in (hops, hops[:1], []):
            spaces.route("n", RouteLine(7, ip_network(prefix), tuple(some)))
    several, single, none = asked
    assert [(way["oif"], way["hops"]) for way in several["multipath"]] == [(1, 0), (2, 3), (3, 9)]
    assert (single["oif"], "multipath" in single, none["type"]) == (1, False, "unreachable")
